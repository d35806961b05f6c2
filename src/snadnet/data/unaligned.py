"""Unaligned views: a face image as a camera may frame it, turned and off the middle."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from snadnet.errors import DataError
from snadnet.faces import crop_face
from snadnet.image_arrays import round_to_8_bits


@dataclass(frozen=True)
class UnalignedView:
    """A square window, turned and placed at random wholly within an image: no pixel is made up.

    The window's upright bounding square is drawn between ``least`` and 1 of the image's shorter side, but never so
    small that the window would be enlarged. Of an aligned face of FFHQ's framing, 0.85 leaves eyes and mouth in view.

    Attributes:
        turn: Largest turn either way in degrees, below 45.
        least: Smallest bounding square, as a share of the image's shorter side.
    """

    turn: float = 15.0
    least: float = 0.85

    def matrix(self, image: tuple[int, int], size: int, *, seed: int, name: str) -> NDArray[np.float64]:
        """The similarity (2, 3) from an image's pixels to those of its view.

        Args:
            image: Width and height of the image in pixels.
            size: Side of the view in pixels.
            seed: Determines the window.
            name: The image's name in errors.

        Raises:
            DataError: If the image is too small for the window at the largest turn.
        """
        width, height = image
        needed = math.ceil(size * _spread(math.radians(self.turn)))
        if min(image) < needed:
            raise DataError(f"{name} is {width} x {height}: views of {size} px need images of at least {needed} px")
        rng = np.random.default_rng([seed, size])
        angle = math.radians(rng.uniform(-self.turn, self.turn))
        smallest = max(self.least, size * _spread(angle) / min(image))
        extent = min(image) * rng.uniform(smallest, 1.0)
        left, top = rng.uniform(0, width - extent), rng.uniform(0, height - extent)
        # From continuous coordinates, in which an image begins at 0 and pixel i at i, to centres of pixels.
        centre = np.array([left, top]) + extent / 2 - 0.5
        scale = size * _spread(angle) / extent
        cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
        linear = np.array([[cosine, -sine], [sine, cosine]])
        return np.column_stack([linear, (size - 1) / 2 - linear @ centre])

    def cut(self, pixels: NDArray[np.uint8], matrix: NDArray[np.float64], size: int) -> NDArray[np.float32]:
        """The view of an image, uint8 RGB (H, W, 3): (size, size, 3), float32, multiples of 1/255."""
        return round_to_8_bits(crop_face(pixels, matrix, size))

    def cut_labels(self, labels: NDArray[np.uint8], matrix: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
        """The view of a label map (H, W): (size, size), each pixel with the nearest one's class."""
        view = cv2.warpAffine(labels, matrix, (size, size), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(view, np.uint8)

    def __str__(self) -> str:
        return f"unaligned views (turned by up to {self.turn:g} degrees, {self.least:g} to 1 of the shorter side)"


def _spread(angle: float) -> float:
    """How many times wider the bounding square of a turned square is than its side."""
    return math.cos(angle) + abs(math.sin(angle))
