"""Defaults of which faces are found and restored. Loads nothing."""

from enum import StrEnum
from typing import Final

MIN_CONFIDENCE: Final = 0.7
"""Default of the score below which a detection is no face; the figures in `snadnet.faces.detect` say why."""

MIN_FACE: Final = 24
"""Default of the smallest face that is restored: its box's shorter side in pixels."""

MAX_FACES: Final = 64
"""Default of the most faces of one photo that are restored, the largest first."""

CROP_SIZE: Final = 256
"""Side of the canonical crop in pixels."""

LARGE_CROP_SIZE: Final = 2 * CROP_SIZE
"""Side in pixels of the crop of a large face."""

MAX_EFFORT: Final = 3
"""Most work on a face: one more pass, and its mirror image is restored too."""


class Light(StrEnum):
    """What the blur of a face is taken for."""

    AUTO = "auto"
    """Whichever explains the face better."""
    SRGB = "srgb"
    """One of the file's values, as programs blur."""
    LINEAR = "linear"
    """One of light, as a camera's sensor sums it."""
