"""Sensor noise."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def add_noise(images: ArrayLike, sigma: float, seed: int | np.random.Generator) -> NDArray[np.float32]:
    """Return the images with white Gaussian noise, each value on its own, clipped to [0, 1].

    Args:
        images: Floating-point values in [0, 1], any shape.
        sigma: Standard deviation in units of the [0, 1] range; the CelebA protocol uses 0.03 (paper, IV-A).
        seed: A number, or a generator (which is advanced).

    Returns:
        A new float32 array of the same shape. Because of the clipping, values near black and white scatter
        less.

    Raises:
        ValueError: If ``sigma`` is negative or not finite, or the images are not floating-point.
    """
    if not (math.isfinite(sigma) and sigma >= 0):
        raise ValueError(f"sigma must be a finite number of at least 0, not {sigma}")
    values = np.asarray(images)
    if not np.issubdtype(values.dtype, np.floating):
        raise ValueError(f"images must be floating-point in [0, 1], not {values.dtype}: divide 8-bit ones by 255")
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal(values.shape, dtype=np.float32)
    noise *= np.float32(sigma)
    noise += values.astype(np.float32, copy=False)
    return np.clip(noise, 0, 1, out=noise)
