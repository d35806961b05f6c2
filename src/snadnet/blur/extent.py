"""How far and in which direction a kernel moves an image."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

_LEAST_SHARE: Final = 0.1
"""Of the largest weight; what is below it is taken for the uncertainty of an estimate."""


class KernelExtent(NamedTuple):
    """The straight, uniform motion that spreads a point as far as a kernel does.

    Attributes:
        length: In the kernel's pixels, at least 1, which is no motion.
        angle: Direction in degrees from 0 to 180, counter-clockwise from the x axis as one sees the image, as
            `linear_kernel` takes it. It means little where the kernel is about as broad as it is long.
    """

    length: float
    angle: float


def kernel_extent(kernel: ArrayLike) -> KernelExtent:
    """Measure a kernel along its principal axis.

    The weights' variance along that axis is compared with that of a row of ``n`` equal ones, ``(n^2 - 1) / 12``.
    Weights below a tenth of the largest are left out.

    Args:
        kernel: ``(H, W)``, non-negative, with a weight above 0.

    Raises:
        ValueError: If the kernel has another shape, or has negative or non-finite weights or none above 0.
    """
    weights = np.array(kernel, dtype=np.float64)
    if weights.ndim != 2 or weights.size == 0:  # noqa: PLR2004 - height and width
        raise ValueError(f"a kernel has two dimensions and at least one weight, not shape {weights.shape}")
    if not np.isfinite(weights).all() or weights.min() < 0 or weights.max() == 0:
        raise ValueError("a kernel needs finite weights of at least 0, and one above it")
    weights[weights < _LEAST_SHARE * weights.max()] = 0.0
    weights /= weights.sum()
    rows, columns = np.indices(weights.shape, dtype=np.float64)
    down, right = rows - (weights * rows).sum(), columns - (weights * columns).sum()
    # Rows grow downwards, angles upwards.
    across = -(weights * right * down).sum()
    covariance = np.array([[(weights * right**2).sum(), across], [across, (weights * down**2).sum()]])
    variances, axes = np.linalg.eigh(covariance)
    angle = math.degrees(math.atan2(axes[1, 1], axes[0, 1])) % 180.0
    return KernelExtent(math.sqrt(12.0 * max(float(variances[1]), 0.0) + 1.0), angle)
