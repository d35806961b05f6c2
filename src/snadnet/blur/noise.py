"""Sensor noise."""

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

_MEDIAN_OF_ABSOLUTES: Final = 0.6745
"""The median of the absolute value of a standard normal variable."""


def add_noise(images: ArrayLike, sigma: float, seed: "int | np.random.Generator") -> NDArray[np.float32]:
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


def noise_level(image: NDArray[np.float32], *, spacing: int = 1) -> float:
    """Estimate the standard deviation of white noise in a blurred image.

    Second differences both down and across leave almost nothing of a blurred image; the median of what they leave is
    not moved by the few edges that are sharp (Immerkaer 1996, with a median for the mean).

    Args:
        image: ``(H, W, C)`` float32 in ``[0, 1]``.
        spacing: Pixels between the values that are compared: about how many pixels of an enlarged image one pixel of
            the original fills, as the noise of neighbours among them is much the same. Limited to what the image holds.

    Raises:
        ValueError: If a side is under 3 px.
    """
    height, width = image.shape[:2]
    step = max(1, min(spacing, (min(height, width) - 1) // 2))
    if min(height, width) <= 2 * step:
        raise ValueError(f"noise cannot be told from {width} x {height} px; give at least 3 x 3")
    taps = np.zeros(2 * step + 1, np.float32)
    taps[[0, step, -1]] = 1.0, -2.0, 1.0
    both = cv2.sepFilter2D(image, -1, taps, taps)[step:-step, step:-step]
    # The weights are 1, -2, 1 down times the same across; their squares add up to 36.
    return _median(np.abs(both)) / (_MEDIAN_OF_ABSOLUTES * 6.0)


def _median(values: NDArray[np.float32]) -> float:
    """The median, without NumPy's module of masked arrays, which `numpy.median` loads: a sixtieth of a photo's time."""
    middle = values.size // 2
    # By one place rather than two, which takes twice as long.
    ordered = np.partition(values, middle, axis=None)
    above = float(ordered[middle])
    return above if values.size % 2 else (float(ordered[:middle].max()) + above) / 2.0
