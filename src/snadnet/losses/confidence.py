"""The confidence-guided loss of UMSN (Yasarla et al. 2020, IEEE TIP)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from snadnet.losses.precision import at_least_float32


def confidence_guided_loss(
    restored: Tensor, sharp: Tensor, masks: Tensor, confidences: Tensor, weights: Sequence[float]
) -> Tensor:
    """Mean absolute error within each class, scaled by how far the network trusts itself there.

    The published form compares ``c m x + (1 - c) m y`` with ``m y``, which is ``c m |x - y|``.

    Args:
        restored: ``(B, 3, H, W)``.
        sharp: The same shape.
        masks: Classes ``(B, K, H, W)`` in ``[0, 1]``.
        confidences: ``(B, K, 3)`` in ``(0, 1)``, one a class and colour channel.
        weights: One a class.

    Returns:
        A scalar, at least float32: the weighted sum over the classes of means over images, channels and pixels.
    """
    errors = (at_least_float32(restored) - at_least_float32(sharp)).abs()
    means = torch.einsum("bchw,bkhw->bkc", errors, at_least_float32(masks)) / (errors.shape[2] * errors.shape[3])
    trusted = (at_least_float32(confidences) * means).mean(dim=(0, 2))
    return (trusted * trusted.new_tensor(list(weights))).sum()


def confidence_penalty(confidences: Tensor) -> Tensor:
    """Keep confidences ``(B, K, 3)`` from falling to zero: minus the mean of their logarithms, summed over classes."""
    return -at_least_float32(confidences).log().mean(dim=(0, 2)).sum()


def slope_loss(restored: Tensor, sharp: Tensor) -> Tensor:
    """Mean absolute error of the slopes: of the absolute differences between neighbours, across and down.

    As in the authors' program, a slope's sign does not count: ``mean(| |d restored| - |d sharp| |)``.

    Args:
        restored: ``(B, C, H, W)``.
        sharp: The same shape.

    Returns:
        A scalar, at least float32: the sum of both directions' means.
    """
    images = at_least_float32(restored), at_least_float32(sharp)
    across, down = ([image.diff(dim=dim).abs() for image in images] for dim in (3, 2))
    return (across[0] - across[1]).abs().mean() + (down[0] - down[1]).abs().mean()
