"""Losses between a restored and a true image, pixel by pixel, as the baselines are trained by."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from snadnet.losses.precision import at_least_float32

_CHARBONNIER_EPSILON: Final = 1e-3
_SMALLEST_ERROR: Final = 1e-8
_TAPS: Final = (0.05, 0.25, 0.4, 0.25, 0.05)
_MARGIN: Final = len(_TAPS) // 2


def l1_loss(restored: Tensor, sharp: Tensor) -> Tensor:
    """Mean absolute difference of two tensors of one shape; a scalar, at least float32."""
    return F.l1_loss(at_least_float32(restored), at_least_float32(sharp))


def mean_squared_error(restored: Tensor, sharp: Tensor) -> Tensor:
    """Mean squared difference of two tensors of one shape; a scalar, at least float32."""
    return F.mse_loss(at_least_float32(restored), at_least_float32(sharp))


def charbonnier_loss(restored: Tensor, sharp: Tensor) -> Tensor:
    """Mean of ``sqrt(d^2 + 1e-6)`` of the differences (MPRNet, Zamir et al. 2021, section 3), at least float32.

    It is 0.001 for equal images and has a slope everywhere.
    """
    difference = at_least_float32(restored) - at_least_float32(sharp)
    return torch.sqrt(difference.square() + _CHARBONNIER_EPSILON**2).mean()


def edge_loss(restored: Tensor, sharp: Tensor) -> Tensor:
    """Charbonnier loss of the images' Laplacians (MPRNet, section 3), of ``(B, 3, H, W)``.

    The Laplacian is linear, so that of the difference is taken.
    """
    difference = laplacian(at_least_float32(restored) - at_least_float32(sharp))
    return charbonnier_loss(difference, torch.zeros_like(difference))


def laplacian(images: Tensor) -> Tensor:
    """Return the finest level of the Laplacian pyramid (Burt and Adelson 1983) of ``(B, C, H, W)``, the same shape.

    It is what is lost by halving an image and enlarging it again, each with a 5-tap filter. Borders are repeated, when
    enlarging those of the halved image, so that a flat image has no edges at its border either (in the authors'
    program it has).
    """
    height, width = images.shape[2:]
    half = _filtered(F.pad(images, (_MARGIN,) * 4, mode="replicate"))[..., ::2, ::2]
    spread = F.pad(half, (_MARGIN // 2,) * 4, mode="replicate")
    # Each pixel gets zeros beside and below it, and four times its value for them.
    stuffed = F.conv_transpose2d(spread.flatten(0, 1).unsqueeze(1), spread.new_full((1, 1, 1, 1), 4.0), stride=2)
    stuffed = F.pad(stuffed, (0, 1, 0, 1)).squeeze(1).view(*spread.shape[:2], *(2 * side for side in spread.shape[2:]))
    return images - _filtered(stuffed)[..., :height, :width]


def _filtered(images: Tensor) -> Tensor:
    """Filter without padding: ``2 * _MARGIN`` pixels are lost each way."""
    channels = images.shape[1]
    taps = images.new_tensor(_TAPS)
    return F.conv2d(images, torch.outer(taps, taps).expand(channels, 1, -1, -1), groups=channels)


def psnr_loss(restored: Tensor, sharp: Tensor) -> Tensor:
    """Negative peak signal-to-noise ratio in dB (NAFNet, Chen et al. 2022), averaged over the images.

    Args:
        restored: ``(B, 3, H, W)``, nominally in ``[0, 1]``.
        sharp: The same shape, in ``[0, 1]``.

    Returns:
        A scalar, at least float32; -80 for equal images.
    """
    errors = (at_least_float32(restored) - at_least_float32(sharp)).square().mean(dim=(1, 2, 3))
    return 10.0 / math.log(10.0) * torch.log(errors + _SMALLEST_ERROR).mean()


PIXEL_LOSSES: Final[Mapping[str, Callable[[Tensor, Tensor], Tensor]]] = MappingProxyType(
    {
        "l1": l1_loss,
        "mse": mean_squared_error,
        "charbonnier": charbonnier_loss,
        "edge": edge_loss,
        "psnr": psnr_loss,
    }
)
"""All of them by name."""
