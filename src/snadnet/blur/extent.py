"""How far and in which direction a kernel moves an image."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LEAST_SHARE: Final = 0.1
"""Of the largest weight; what is below it is taken for the uncertainty of an estimate."""

_HAT: Final = np.outer((0.25, 0.5, 0.25), (0.25, 0.5, 0.25))
"""One pixel at half resolution, as it looks in an image's own pixels."""

_ALIKE: Final = 0.1


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


def point_if_unmoved(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a kernel of one pixel in place of one that is a single pixel at half resolution.

    Networks that estimate a kernel at half resolution cannot show a smaller one; what they mean is an image that did
    not move, and a sharp image blurred by their kernel would no longer be itself.

    Args:
        kernel: ``(K, K)``, sum 1, ``K`` odd.

    Returns:
        The kernel itself, if it is larger.
    """
    unmoved = np.zeros_like(kernel)
    middle = len(kernel) // 2
    if middle == 0:
        return kernel
    unmoved[middle - 1 : middle + 2, middle - 1 : middle + 2] = _HAT
    if np.abs(kernel - unmoved).sum() > _ALIKE:
        return kernel
    point = np.zeros_like(kernel)
    point[middle, middle] = 1.0
    return point
