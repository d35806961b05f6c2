"""A look at a kernel."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

_BORDER = 96


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


def kernels_to_picture(kernels: Sequence[ArrayLike], columns: int) -> NDArray[np.uint8]:
    """Return many kernels in one 8-bit grey picture, row by row, each in the middle of a cell with a grey border.

    Args:
        kernels: As for :func:`kernel_to_picture`, at least one, of any sizes; each is as bright as if alone.
        columns: Kernels in a row, at least 1.

    Returns:
        ``(rows * cell + 1, columns * cell + 1)`` uint8, where a cell is one pixel more than the largest kernel.

    Raises:
        ValueError: There are no kernels or columns, or a kernel has no picture.
    """
    if not kernels or columns < 1:
        raise ValueError("a picture of kernels needs at least one kernel and one column")
    pictures = [kernel_to_picture(kernel) for kernel in kernels]
    inner = max(max(picture.shape) for picture in pictures)
    cell = inner + 1
    sheet = np.full((-(-len(pictures) // columns) * cell + 1, columns * cell + 1), _BORDER, np.uint8)
    for place, picture in enumerate(pictures):
        top, left = (index * cell + 1 for index in divmod(place, columns))
        sheet[top : top + inner, left : left + inner] = 0
        (height, width) = picture.shape
        top, left = top + (inner - height) // 2, left + (inner - width) // 2
        sheet[top : top + height, left : left + width] = picture
    return sheet
