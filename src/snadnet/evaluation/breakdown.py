"""Breakdowns of a test set into groups of faces, to show which faces a method fails on: by blur, glasses and others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from snadnet.errors import ConfigError
from snadnet.evaluation.test_set import FaceTestSet
from snadnet.faces.classes import BACKGROUND_CLASSES, CLASS_NAMES
from snadnet.metrics.base import ScoredFace

SMALLEST_PART: Final = 0.002
"""Least share of an image that a class must cover to count as present: 51 of 160 x 160 px."""

LUMA: Final = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""

_DARKNESS: Final = ((0.3, "under 0.3"), (0.45, "0.3 to 0.45"), (0.6, "0.45 to 0.6"), (1.01, "over 0.6"))


class Group(NamedTuple):
    """A group of faces.

    Attributes:
        place: Sorts the groups.
        name: Its name in tables.
    """

    place: float
    name: str


@dataclass(frozen=True)
class Breakdown:
    """A way to split a test set into groups.

    Attributes:
        name: Its name on the command line.
        title: Title of its table.
        head: Head of the table's first column.
        needs_labels: Whether it needs label maps.
        group: Returns the group of a face, from the test set, the face's index in it, and the face.
    """

    name: str
    title: str
    head: str
    needs_labels: bool
    group: Callable[[FaceTestSet, int, ScoredFace], Group]


def _kernel(test_set: FaceTestSet, index: int, _: ScoredFace) -> Group:
    if test_set.kernel_sizes is None:
        return Group(0, "unknown")
    size = test_set.kernel_sizes[index]
    return Group(size, str(size))


def _brightness(_: FaceTestSet, __: int, face: ScoredFace) -> Group:
    # Of the foreground where there are label maps: a dark face before a bright wall is dark.
    pixels = face.sharp.reshape(-1, 3)
    if face.labels is not None:
        foreground = ~np.isin(face.labels.ravel(), BACKGROUND_CLASSES)
        pixels = pixels[foreground] if foreground.any() else pixels
    luma = float(pixels.mean(axis=0) @ np.array(LUMA)) / 255.0
    return next(Group(limit, name) for limit, name in _DARKNESS if luma < limit)


def _part(name: str) -> Callable[[FaceTestSet, int, ScoredFace], Group]:
    number = CLASS_NAMES.index(name)

    def group(_: FaceTestSet, __: int, face: ScoredFace) -> Group:
        seen = face.labels is not None and bool((face.labels == number).mean() >= SMALLEST_PART)
        return Group(1, "with") if seen else Group(0, "without")

    return group


BREAKDOWNS: Final = {
    breakdown.name: breakdown
    for breakdown in (
        Breakdown("kernel", "PSNR by the size of the blur kernel", "kernel px", False, _kernel),
        Breakdown(
            "brightness", "PSNR by the brightness of the sharp face (mean luma, 0 to 1)", "luma", False, _brightness
        ),
        Breakdown("glasses", "PSNR by glasses", "glasses", True, _part("glasses")),
        Breakdown("hat", "PSNR by hats", "hat", True, _part("hat")),
        Breakdown("mouth", "PSNR by open mouths (teeth, tongue)", "open mouth", True, _part("mouth")),
    )
}
"""The breakdowns by name."""


def find_breakdowns(names: Sequence[str], test_set: FaceTestSet) -> list[Breakdown]:
    """Return breakdowns by their names.

    Raises:
        ConfigError: If one is unknown, or needs label maps that the test set does not have.
    """
    for name in names:
        if name not in BREAKDOWNS:
            raise ConfigError(f"--by: there is no {name!r}; choose of: {', '.join(BREAKDOWNS)}")
        if BREAKDOWNS[name].needs_labels and not test_set.labelled:
            raise ConfigError(f"--by {name}: the test set has no label maps; give them with --labels")
    return [BREAKDOWNS[name] for name in names]
