"""Choices of the faces to restore: all, the largest, one by its number, or a manual box."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from snadnet.errors import ConfigError

if TYPE_CHECKING:
    from snadnet.faces.types import Box  # which brings NumPy

MIN_BOX: Final = 8
"""Smallest side in pixels of a manual box: a smaller one holds nothing to restore."""


@dataclass(frozen=True)
class AllFaces:
    """Every face that is found."""


@dataclass(frozen=True)
class LargestFace:
    """The face with the largest box."""


@dataclass(frozen=True)
class FaceNumber:
    """One of the faces that are found.

    Attributes:
        n: 1 for the face with the largest box, 2 for the next, and so on. Faces that are then skipped, such as
            small ones, are counted too: the numbers are those of `snadnet.faces.draw_boxes`.

    Raises:
        ConfigError: If ``n`` is less than 1.
    """

    n: int

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ConfigError(f"face number {self.n} is out of range; faces are numbered from 1, the largest")


@dataclass(frozen=True)
class FaceBox:
    """A face in a manual box, which the detector need not see.

    Give the box from the hair line to the chin and from cheek to cheek. At least half of it must lie in the
    photo. The smallest size, the least confidence and the most faces of a photo do not apply to it.

    Attributes:
        x: Left side in photo pixels.
        y: Upper side in photo pixels.
        width: Width in pixels, at least 8.
        height: Height in pixels, at least 8.

    Raises:
        ConfigError: If a number is not finite, or a side is less than 8 px.
    """

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        if not (all(map(math.isfinite, self.box)) and min(self.width, self.height) >= MIN_BOX):
            raise ConfigError(
                f"the face box {self} is out of range; give x,y,width,height as finite numbers, the last two at"
                f" least {MIN_BOX}"
            )

    @property
    def box(self) -> "Box":
        """``(x, y, width, height)`` in photo pixels."""
        return (self.x, self.y, self.width, self.height)

    def __str__(self) -> str:
        return ",".join(f"{value:g}" for value in self.box)


FaceChoice = AllFaces | LargestFace | FaceNumber | FaceBox


def parse_face(text: str) -> FaceChoice:
    """Return the choice that a person writes: "all", "largest", or a face's number from 1.

    Raises:
        ConfigError: If it is something else.
    """
    match text:
        case "all":
            return AllFaces()
        case "largest":
            return LargestFace()
    # Not isdigit alone, which holds for digits that int does not read.
    if not (text.isascii() and text.isdigit()):
        raise ConfigError(f"{text[:40]!r} is no choice of faces; give all, largest or a number from 1")
    try:
        return FaceNumber(int(text))
    except ValueError as error:  # int refuses thousands of digits
        raise ConfigError(f"{text[:40]!r} is no choice of faces; give all, largest or a number from 1") from error


def parse_box(text: str) -> FaceBox:
    """Return the box that a person writes as "x,y,width,height", in pixels.

    Raises:
        ConfigError: If it is something else, or out of range.
    """
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(f"{text[:80]!r} is no box; give x,y,width,height in pixels, such as 120,80,64,64") from error
    return FaceBox(x, y, width, height)
