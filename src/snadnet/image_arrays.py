"""Image arrays: the one place where 8-bit pixels become float32 in [0, 1] and back, and where channels change places.

Inside the package images are RGB, float32, in [0, 1]; files and users have uint8. Nothing here needs PyTorch: a tensor
is ``torch.from_numpy(channels_first(to_float(pixels)))``.
"""

import numpy as np
from numpy.typing import NDArray


def to_float(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return 8-bit pixels as float32 in [0, 1]; any shape."""
    return pixels.astype(np.float32) / np.float32(255)


def to_uint8(image: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return an image in [0, 1] as an 8-bit file holds it: clipped and rounded; any shape."""
    return np.asarray(np.rint(np.clip(image, 0.0, 1.0) * 255.0), np.uint8)


def round_to_8_bits(image: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return an image in [0, 1] as float32 multiples of 1/255: what saving it as 8 bits and reading it again gives."""
    return to_float(to_uint8(image))


def channels_first(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``(..., H, W, C)`` as contiguous ``(..., C, H, W)``, PyTorch's order."""
    return np.ascontiguousarray(np.moveaxis(images, -1, -3))


def channels_last(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``(..., C, H, W)`` as contiguous ``(..., H, W, C)``, the order of files."""
    return np.ascontiguousarray(np.moveaxis(images, -3, -1))
