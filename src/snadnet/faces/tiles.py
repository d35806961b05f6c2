"""The search of a large photo's tiles for faces that its reduced copies are too small to show.

YuNet needs a face about 16 px wide: of made-up groups (``benchmarks/face_sizes.py``) it found 93 % at that width in
the searched image, 83 % at 14 px, 60 % at 12 px and 27 % at 10 px. So tiles at 2/3 of the photo's size show faces from
24 px on, at less than half the cost of its full size.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
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


class TileSearch:
    """The search of a photo in tiles, which begins at once in threads of its own, and ends in the caller's too.

    The faces do not depend on the number of threads.

    Args:
        make_detect: Makes what finds the faces in an image, uint8 RGB ``(H, W, 3)``; called once in each thread.
        pixels: RGB ``(H, W, 3)``, uint8 or uint16, the photo. One of `SMALLEST_TILED` or less has no tiles.
        threads: How many there are to do the work, the caller's among them.
    """

    def __init__(
        self, make_detect: Callable[[], Callable[[NDArray[np.uint8]], list[Detection]]], pixels: Pixels, *, threads: int
    ) -> None:
        self._pixels = pixels
        self._make_detect = make_detect
        self._own = threading.local()
        self._places = list(_places(*pixels.shape[:2])) if max(pixels.shape[:2]) > SMALLEST_TILED else []
        self._found: list[Future[list[Face]]] = []
        if self._places and threads > 1:
            pool = ThreadPoolExecutor(threads - 1, thread_name_prefix="snadnet-tiles")
            self._found = [pool.submit(self._search, *place) for place in self._places]
            # Its threads end with the last tile.
            pool.shutdown(wait=False)

    def faces(self) -> list[Face]:
        """Return the faces that fit into the overlap of two tiles, in pixels of the photo.

        Returns:
            A face may come several times.
        """
        if not self._found:
            return [face for place in self._places for face in self._search(*place)]
        # From the other end, what no thread has begun.
        own = {
            number: self._search(*self._places[number])
            for number in reversed(range(len(self._found)))
            if self._found[number].cancel()
        }
        return [
            face
            for number, found in enumerate(self._found)
            for face in (own[number] if number in own else found.result())
        ]

    def _search(self, top: int, left: int) -> list[Face]:
        if not hasattr(self._own, "detect"):
            self._own.detect = self._make_detect()
        tile = self._pixels[top : top + _TILE, left : left + _TILE]
        size = (max(1, round(tile.shape[1] * _SCALE)), max(1, round(tile.shape[0] * _SCALE)))
        small = eight_bits(resize_pixels(tile, size, cv2.INTER_AREA))
        back = np.array([tile.shape[1] / size[0], tile.shape[0] / size[1]], np.float32)
        found = []
        for corners, points, confidence in self._own.detect(small):
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
