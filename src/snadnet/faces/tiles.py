"""The search of a large photo's tiles for faces that its reduced copies are too small to show.

YuNet needs a face about 16 px wide: of made-up groups (``benchmarks/face_sizes.py``) it found 93 % at that width in
the searched image, 83 % at 14 px, 60 % at 12 px and 27 % at 10 px. So tiles at 2/3 of the photo's size show faces from
24 px on, at less than half the cost of its full size.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from snadnet.faces.types import Face
from snadnet.faces.warp import resize_pixels
from snadnet.image_arrays import Pixels, eight_bits

TILE_MARGIN: Final = 16
"""Pixels by which a tile is continued on all sides: in tiles only the photo's own border cuts faces."""

SMALLEST_TILED: Final = 1920
"""Longer side in pixels up to which a photo is not searched in tiles: its copy of 1280 px shows as much."""

# In pixels of the photo, multiples of 3, so that 2/3 of each is whole and tiles are reduced alike.
_TILE: Final = 1536
_OVERLAP: Final = 192
_STEP: Final = _TILE - _OVERLAP
_SCALE: Final = 2 / 3


class Detection(NamedTuple):
    """A face in the image that was searched, in its pixels.

    Attributes:
        corners: Two opposite corners of the box, ``(2, 2)``.
        points: The landmarks ``(5, 2)``.
        confidence: The score in [0, 1].
    """

    corners: NDArray[np.float32]
    points: NDArray[np.float32]
    confidence: float


def search_tiles(detect: Callable[[NDArray[np.uint8]], list[Detection]], pixels: Pixels) -> list[Face]:
    """Search a photo in tiles.

    Args:
        detect: Finds the faces in an image, uint8 RGB ``(H, W, 3)``.
        pixels: RGB ``(H, W, 3)``, uint8 or uint16, the photo.

    Returns:
        The faces that fit into the overlap of two tiles, in pixels of the photo; a face may come several times. None
        for a photo of `SMALLEST_TILED` or less.
    """
    if max(pixels.shape[:2]) <= SMALLEST_TILED:
        return []
    found = []
    for top, left in _places(pixels.shape[0], pixels.shape[1]):
        tile = pixels[top : top + _TILE, left : left + _TILE]
        size = (max(1, round(tile.shape[1] * _SCALE)), max(1, round(tile.shape[0] * _SCALE)))
        small = eight_bits(resize_pixels(tile, size, cv2.INTER_AREA))
        back = np.array([tile.shape[1] / size[0], tile.shape[0] / size[1]], np.float32)
        for corners, points, confidence in detect(small):
            (x, y), (w, h) = corners.min(axis=0) * back, np.ptp(corners, axis=0) * back
            # A larger one may be a part of a face that the tile cuts, and the copies show it whole.
            if max(w, h) <= _OVERLAP:
                landmarks = (points * back + (left, top)).astype(np.float32)
                found.append(Face((float(x) + left, float(y) + top, float(w), float(h)), landmarks, confidence))
    return found


def _places(height: int, width: int) -> Iterator[tuple[int, int]]:
    """The upper left corners of the tiles, which overlap and cover the photo."""
    for top in range(0, max(1, height - _OVERLAP), _STEP):
        for left in range(0, max(1, width - _OVERLAP), _STEP):
            yield top, left
