"""The kernel of a lens out of focus."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

_FADE: Final = 0.5


def disc_kernel(radius: float) -> NDArray[np.float32]:
    """Return the kernel of a circular aperture that is out of focus: an anti-aliased disc of equal weights.

    A pixel's weight falls from 1 to 0 as its centre's distance from the middle goes from half a pixel inside the disc's
    edge to half a pixel outside.

    Args:
        radius: Of the disc in pixels, at least 0; up to half a pixel leaves an image as it is.

    Returns:
        ``(k, k)`` float32 with odd ``k``, the smallest that holds the disc; non-negative, sum 1.

    Raises:
        ValueError: If ``radius`` is negative or not finite.
    """
    if not (math.isfinite(radius) and radius >= 0):
        raise ValueError(f"radius must be a finite number of at least 0 px, not {radius}")
    reach = max(0, math.ceil(radius + _FADE) - 1)
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float64)
    weights = np.clip(max(radius, _FADE) + _FADE - np.hypot(rows, columns), 0.0, 1.0)
    return np.asarray(weights / weights.sum(), dtype=np.float32)
