"""The faces that a figure shows."""

from collections.abc import Sequence

from snadnet.errors import ConfigError
from snadnet.evaluation.test_set import FaceTestSet
from snadnet.metrics.base import ScoredFace


def choose_faces(test_set: FaceTestSet, names: Sequence[str], count: int) -> list[ScoredFace]:
    """Return the faces of these names, or ``count`` of them spread over the test set.

    Raises:
        ConfigError: If there is no face of a name.
        DataError: If a face cannot be read.
    """
    for name in names:
        if name not in test_set.names:
            raise ConfigError(f"{test_set.source}: has no face {name!r}; its first is {test_set.names[0]!r}")
    count = min(count, len(test_set))
    numbers = [test_set.names.index(name) for name in names] or [n * len(test_set) // count for n in range(count)]
    return [test_set.read(number) for number in numbers]
