"""Image arrays: the one place where whole-number pixels become float32 in [0, 1] and back, at any depth.

Inside the package images are RGB, float32, in [0, 1]; files and users have `Pixels`: uint8, or uint16 of more than 8
bits, each over the whole range of its type. Nothing here needs PyTorch: a tensor is
``torch.from_numpy(channels_first(to_float(pixels)))``.
"""

import functools
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

Pixels = NDArray[np.uint8 | np.uint16]
"""Pixels as files have them: white is 255 in uint8 and 65535 in uint16, whatever the depth of the file."""

PEAKS: Final = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}
"""What white is, by the type of the pixels."""


def to_float(pixels: Pixels) -> NDArray[np.float32]:
    """Return pixels as float32 in [0, 1]; any shape."""
    return pixels.astype(np.float32) / np.float32(PEAKS[pixels.dtype])


def to_pixels(image: NDArray[np.floating], dtype: DTypeLike) -> Pixels:
    """Return an image in [0, 1] as pixels of type ``dtype``: clipped and rounded, halves to even; any shape."""
    values = np.clip(image, 0.0, 1.0) * image.dtype.type(PEAKS[np.dtype(dtype)])
    rounded: Pixels = np.rint(values, out=values).astype(dtype)
    return rounded


def to_uint8(image: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return an image in [0, 1] as an 8-bit file holds it: clipped and rounded; any shape."""
    return np.asarray(np.rint(np.clip(image, 0.0, 1.0) * 255.0), np.uint8)


def in_type(pixels: Pixels, dtype: DTypeLike) -> Pixels:
    """Return the same colours as pixels of another type, rounded where it is the smaller one; any shape.

    From uint8 to uint16 and back nothing changes. Pixels that are of the type already are returned as they are.
    """
    wanted = np.dtype(dtype)
    if pixels.dtype == wanted:
        return pixels
    converted: Pixels = _table(PEAKS[pixels.dtype], PEAKS[wanted])[pixels]
    return converted


def eight_bits(pixels: Pixels) -> NDArray[np.uint8]:
    """Return pixels rounded to 8 bits; the same array if they have no more. Any shape."""
    return np.asarray(in_type(pixels, np.uint8), np.uint8)


def rescaled(pixels: NDArray[np.uint16], peak: int, new_peak: int) -> NDArray[np.uint16]:
    """Return whole numbers from 0 to ``peak`` as such from 0 to ``new_peak``, rounded; any shape.

    So values of 10 bits (a peak of 1023) become pixels (65535), and these become exactly the same values of 10 bits.
    """
    return np.asarray(_table(peak, new_peak)[np.minimum(pixels, peak)], np.uint16)


def round_to_8_bits(image: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return an image in [0, 1] as float32 multiples of 1/255: what saving it as 8 bits and reading it again gives."""
    return to_float(to_uint8(image))


def channels_first(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``(..., H, W, C)`` as contiguous ``(..., C, H, W)``, PyTorch's order."""
    return np.ascontiguousarray(np.moveaxis(images, -1, -3))


def channels_last(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``(..., C, H, W)`` as contiguous ``(..., H, W, C)``, the order of files."""
    return np.ascontiguousarray(np.moveaxis(images, -3, -1))


@functools.cache
def _table(peak: int, new_peak: int) -> NDArray[Any]:
    """What each value of one range is in the other. A table takes no room for the products of a whole photo."""
    values = np.arange(peak + 1, dtype=np.uint64)
    dtype = np.uint8 if new_peak <= PEAKS[np.dtype(np.uint8)] else np.uint16
    return ((values * new_peak + peak // 2) // peak).astype(dtype)
