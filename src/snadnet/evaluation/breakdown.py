"""Faces told apart, so that a table can say who a method fails on: by blur, darkness, glasses, and the like."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from snadnet.errors import ConfigError
from snadnet.evaluation.test_set import FaceTestSet, ScoredFace
from snadnet.faces.classes import BACKGROUND_CLASSES, CLASS_NAMES

SMALLEST_PART: Final = 0.002
"""A class is in a picture if it covers this share of it: 51 of 160 x 160 px."""

LUMA: Final = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""

_DARKNESS: Final = ((0.3, "under 0.3"), (0.45, "0.3 to 0.45"), (0.6, "0.45 to 0.6"), (1.01, "over 0.6"))


class Group(NamedTuple):
    """What a face belongs to.

    Attributes:
        place: Where the group stands among the others.
        name: What it is called.
    """

    place: float
    name: str


@dataclass(frozen=True)
class Grouping:
    """A way to tell faces apart.

    Attributes:
        name: What it is called on the command line.
        title: Of its table.
        head: Of the table's first column.
        needs_labels: Whether it looks at label maps.
        group: The group of a face, from its number in the test set and what is read of it.
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
    # Of the foreground where label maps tell it: a dark face before a bright wall is dark.
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


GROUPINGS: Final = {
    grouping.name: grouping
    for grouping in (
        Grouping("kernel", "PSNR by the size of the blur kernel", "kernel px", False, _kernel),
        Grouping(
            "brightness", "PSNR by the brightness of the sharp face (mean luma, 0 to 1)", "luma", False, _brightness
        ),
        Grouping("glasses", "PSNR by glasses", "glasses", True, _part("glasses")),
        Grouping("hat", "PSNR by hats", "hat", True, _part("hat")),
        Grouping("mouth", "PSNR by open mouths (teeth, tongue)", "open mouth", True, _part("mouth")),
    )
}
"""The ways to tell faces apart, by name."""


def find_groupings(names: list[str], test_set: FaceTestSet) -> list[Grouping]:
    """The groupings that a command line names.

    Raises:
        ConfigError: One is unknown, or needs label maps that the test set has not.
    """
    for name in names:
        if name not in GROUPINGS:
            raise ConfigError(f"--by: there is no {name!r}; choose of: {', '.join(GROUPINGS)}")
        if GROUPINGS[name].needs_labels and not test_set.labelled:
            raise ConfigError(f"--by {name}: the test set has no label maps; give them with --labels")
    return [GROUPINGS[name] for name in names]
