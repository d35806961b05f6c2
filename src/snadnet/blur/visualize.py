"""Images of blur kernels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snadnet.image_arrays import to_uint8

_BORDER = 96


def kernel_to_image(kernel: ArrayLike) -> NDArray[np.uint8]:
    """Return a kernel as an 8-bit grey image, linear in the weight, its largest weight white.

    Args:
        kernel: ``(H, W)``, non-negative.

    Returns:
        ``(H, W)`` uint8. A kernel of zeros is black.

    Raises:
        ValueError: If the kernel is not two-dimensional, is empty, or has negative or non-finite weights.
    """
    weights = np.asarray(kernel, dtype=np.float64)
    if weights.ndim != 2 or weights.size == 0:  # noqa: PLR2004 - height and width
        raise ValueError(f"a kernel has two dimensions and at least one weight, not shape {weights.shape}")
    if not np.isfinite(weights).all() or weights.min() < 0:
        raise ValueError("a kernel image needs finite weights of at least 0")
    highest = weights.max()
    if highest == 0:
        return np.zeros(weights.shape, np.uint8)
    return to_uint8(weights / highest)


def kernels_to_image(kernels: Sequence[ArrayLike], columns: int) -> NDArray[np.uint8]:
    """Return many kernels in one 8-bit grey image, row by row, each in the middle of a cell with a grey border.

    Args:
        kernels: As for `kernel_to_image`, at least one, of any sizes; each is as bright as if alone.
        columns: Kernels in a row, at least 1.

    Returns:
        ``(rows * cell + 1, columns * cell + 1)`` uint8, where a cell is one pixel more than the largest kernel.

    Raises:
        ValueError: If there are no kernels or columns, or a kernel has no image.
    """
    if not kernels or columns < 1:
        raise ValueError("an image of kernels needs at least one kernel and one column")
    images = [kernel_to_image(kernel) for kernel in kernels]
    inner = max(max(image.shape) for image in images)
    cell = inner + 1
    grid = np.full((-(-len(images) // columns) * cell + 1, columns * cell + 1), _BORDER, np.uint8)
    for place, image in enumerate(images):
        top, left = (index * cell + 1 for index in divmod(place, columns))
        grid[top : top + inner, left : left + inner] = 0
        (height, width) = image.shape
        top, left = top + (inner - height) // 2, left + (inner - width) // 2
        grid[top : top + height, left : left + width] = image
    return grid
