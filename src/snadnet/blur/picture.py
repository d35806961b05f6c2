"""A look at a kernel."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def kernel_to_picture(kernel: ArrayLike) -> NDArray[np.uint8]:
    """Return a kernel as an 8-bit grey picture, linear in the weight, its largest weight white.

    Args:
        kernel: ``(H, W)``, non-negative.

    Returns:
        ``(H, W)`` uint8. A kernel of zeros is black.

    Raises:
        ValueError: The kernel is not two-dimensional, is empty, or has negative or non-finite weights.
    """
    weights = np.asarray(kernel, dtype=np.float64)
    if weights.ndim != 2 or weights.size == 0:  # noqa: PLR2004 - height and width
        raise ValueError(f"a kernel has two dimensions and at least one weight, not shape {weights.shape}")
    if not np.isfinite(weights).all() or weights.min() < 0:
        raise ValueError("a kernel picture needs finite weights of at least 0")
    highest = weights.max()
    if highest == 0:
        return np.zeros(weights.shape, np.uint8)
    return np.asarray(np.rint(weights / highest * 255), dtype=np.uint8)
