"""The straight motion-blur kernel."""

import math

import numpy as np
from numpy.typing import NDArray

# Weights below this are rounding noise of sin and cos (cos of 90 degrees is 6e-17), not part of the line.
_NEGLIGIBLE = 1e-9


def linear_kernel(length: float, angle: float) -> NDArray[np.float32]:
    """Return the kernel of a straight, uniform motion: an anti-aliased line through the kernel's centre.

    The weight of a pixel is ``max(0, 1 - d)``, where ``d`` is the Euclidean distance in pixels from the
    pixel's centre to the centred segment of ``length - 1`` px at ``angle``; the weights are then divided by
    their sum. The distance is exact, nothing is supersampled. It follows that length 1 is the identity at
    any angle, that an odd length along an axis gives that many equal taps, that a fractional length changes
    the two end taps continuously, and that the kernel is point-symmetric: it never shifts an image.

    The CelebA-HQ protocol of the paper is ``linear_kernel(25, 45)`` (paper, IV-A).

    Args:
        length: Length of the line in pixels, at least 1; need not be whole.
        angle: Direction in degrees, counter-clockwise from the x axis as one sees the image (so 45 rises
            to the right). Angles that differ by 180 give the same kernel.

    Returns:
        ``(k, k)`` float32 with odd ``k``, the smallest that holds the line; non-negative, sum 1.

    Raises:
        ValueError: If ``length`` is below 1, or one of the two is not finite.
    """
    if not (math.isfinite(length) and length >= 1):
        raise ValueError(f"length must be a finite number of at least 1 px, not {length}")
    if not math.isfinite(angle):
        raise ValueError(f"angle must be a finite number of degrees, not {angle}")
    half = (length - 1) / 2
    # Rows grow downwards, so a line that rises to the right has a negative y component.
    along_x, along_y = math.cos(math.radians(angle)), -math.sin(math.radians(angle))
    reach = half * max(abs(along_x), abs(along_y)) + 1
    radius = math.ceil(reach - _NEGLIGIBLE) - 1
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float64)
    position = x * along_x + y * along_y
    beyond_the_end = np.maximum(np.abs(position) - half, 0)
    beside = x * along_y - y * along_x
    weights = 1 - np.hypot(beyond_the_end, beside)
    weights[weights < _NEGLIGIBLE] = 0
    return np.asarray(weights / weights.sum(), dtype=np.float32)
