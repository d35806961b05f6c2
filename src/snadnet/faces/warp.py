"""Resampling a part of an image under a similarity, without aliasing when it shrinks."""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from snadnet.image_arrays import Pixels

FloatArray = NDArray[np.float32]

_SHRINK: Final = 1.2  # a smaller reduction aliases too little to be worth a second resampling
_MARGIN: Final = 4  # source pixels around the part that is read, for the interpolation kernel


def resize_pixels(pixels: Pixels, size: tuple[int, int], interpolation: int) -> Pixels:
    """Return an image ``(H, W)`` or ``(H, W, C)`` at another size ``(width, height)``, of its own type."""
    resized: Pixels = cv2.resize(pixels, size, interpolation=interpolation).astype(pixels.dtype, copy=False)
    return resized


def scale_of(matrix: NDArray[np.float64]) -> float:
    """Return the factor by which a similarity ``(2, 3)`` enlarges."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def invert(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the inverse ``(2, 3)`` of a similarity ``(2, 3)``."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.hstack([linear, -linear @ matrix[:, 2:]])


def compose(second: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the map ``(2, 3)`` that applies ``first``, then ``second``."""
    return np.column_stack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]])


def shift(matrix: NDArray[np.float64], x: float, y: float) -> NDArray[np.float64]:
    """Return the map that moves by ``(x, y)`` after ``matrix`` has been applied."""
    moved = matrix.copy()
    moved[:, 2] += (x, y)
    return moved


def transform(matrix: NDArray[np.float64], points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the points ``(N, 2)`` under a map ``(2, 3)``."""
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])


def bounds(matrix: NDArray[np.float64], width: int, height: int) -> tuple[int, int, int, int]:
    """Return the smallest whole-pixel box ``(left, top, right, bottom)``, ends exclusive, that holds a mapped image.

    Args:
        matrix: Similarity ``(2, 3)`` from the image's pixels.
        width: The image's width in pixels.
        height: The image's height in pixels.
    """
    corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]], np.float64)
    mapped = transform(matrix, corners)
    left, top = np.floor(mapped.min(axis=0)).astype(int)
    right, bottom = np.ceil(mapped.max(axis=0)).astype(int) + 1
    return int(left), int(top), int(right), int(bottom)


def warp(
    image: Pixels | FloatArray,
    matrix: NDArray[np.float64],
    size: tuple[int, int],
    *,
    border: int = cv2.BORDER_REFLECT_101,
    interpolation: int = cv2.INTER_CUBIC,
) -> FloatArray:
    """Resample an image under a similarity.

    Only the part of the image that can be seen is converted and read, and where the image shrinks it is
    averaged over areas first: a large photo costs no more than the part that matters.

    Args:
        image: ``(H, W)`` or ``(H, W, C)``, of pixels or float32.
        matrix: Similarity ``(2, 3)`` from the image's pixels to the result's; centres of pixels are whole.
        size: Width and height of the result in pixels.
        border: OpenCV's border mode for what lies outside the image; constant means 0.
        interpolation: OpenCV's interpolation; cubic may overshoot the image's range a little.

    Returns:
        float32 ``(height, width)`` or ``(height, width, C)``, in the image's own range of values.
    """
    shrink = 1 / scale_of(matrix)
    margin = int(_MARGIN * max(1.0, shrink))
    left, top, right, bottom = bounds(invert(matrix), *size)
    first_column, end_column = needed_part(left - margin, right + margin, image.shape[1])
    first_row, end_row = needed_part(top - margin, bottom + margin, image.shape[0])
    part: NDArray[Any] = image[first_row:end_row, first_column:end_column]
    local = matrix.copy()  # from the part's pixels to the result's
    local[:, 2] += matrix[:, :2] @ (first_column, first_row)
    if shrink > _SHRINK:
        height, width = part.shape[:2]
        small = (max(1, round(width / shrink)), max(1, round(height / shrink)))
        # In the image's own type: a photo of 50 Mpx as floats would take 600 MB.
        part = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
        # Pixel i of the small part covers the pixels (i + 1/2) * factor - 1/2 of the large one.
        factor = np.array([width / small[0], height / small[1]])
        local[:, 2] += local[:, :2] @ (factor / 2 - 0.5)
        local[:, :2] *= factor
    part = part.astype(np.float32)
    result = cv2.warpAffine(part, local, size, flags=interpolation, borderMode=border)
    return np.asarray(result, np.float32)


def needed_part(start: int, end: int, length: int) -> tuple[int, int]:
    """Return the indices of ``range(length)`` that ``range(start, end)`` needs when it is mirrored at the border."""
    mirrored_start = 2 * length - 2 - end
    first = min(start, mirrored_start) if end > length else start
    last = max(end, 1 - start) if start < 0 else end
    first = max(0, min(first, length - 1))
    return first, min(length, max(last, first + 1))
