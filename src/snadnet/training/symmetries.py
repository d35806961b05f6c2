"""The eight symmetries of the square, which faces and their kernels are trained in."""

from torch import Tensor


def moved(tensor: Tensor, symmetry: int, rows: int = -2, columns: int = -1) -> Tensor:
    """Return one of the symmetries of what lies on a square.

    Args:
        tensor: Images, kernels or label maps.
        symmetry: 0 to 7; odd ones mirror left and right, and 2, 4 and 6 turn by quarters before.
        rows: The dimension that counts downwards.
        columns: The one that counts to the right, of the same length.
    """
    turned = tensor.rot90(symmetry // 2, dims=(rows, columns))
    return turned.flip(columns) if symmetry % 2 else turned


def moved_quarters(tensor: Tensor, symmetry: int) -> Tensor:
    """Return the same symmetry of kernels by quarters of the face, ``(B, 2, 2, K, K)``: they change places too."""
    return moved(moved(tensor, symmetry), symmetry, 1, 2)
