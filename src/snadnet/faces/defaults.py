"""Defaults of which faces are found and restored. Loads nothing."""

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

MAX_EFFORT: Final = 2
"""Most times that a network may be run for a face."""
