"""Blind Wiener deconvolution: a network estimates the kernel, a formula undoes it."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.wiener.deconvolution import deconvolve
from snadnet.models.wiener.estimator import KernelEstimate, KernelEstimator

REGULARIZATIONS = (4.0, 1.0, 0.25)
"""Deconvolved images are made at these multiples of the estimated regularization, from smooth to sharp."""

_ESTIMATED = REGULARIZATIONS.index(1.0)


class WienerOutput(NamedTuple):
    """The outputs of blind deconvolution for a batch.

    Attributes:
        restored: ``(B, 3, H, W)``, about ``[0, 1]``, not clamped.
        deconvolved: ``(B, 3 * len(REGULARIZATIONS), H / 2, W / 2)``, the images at half resolution.
        estimate: The kernels, in pixels of half resolution.
    """

    restored: Tensor
    deconvolved: Tensor
    estimate: KernelEstimate

    @property
    def half_res(self) -> Tensor:
        """The image at half resolution with the estimated regularization, ``(B, 3, H / 2, W / 2)``."""
        return self.deconvolved[:, 3 * _ESTIMATED : 3 * _ESTIMATED + 3]

    @property
    def full_size_kernel(self) -> Tensor:
        """The kernels in pixels of the image, ``(B, K, K)``, sum 1."""
        return enlarge_kernel(self.estimate.kernel)


class BlindWiener(nn.Module):
    """Deconvolve a face with a kernel that is estimated from it; all of it at half resolution.

    Motion blur leaves little above half of the highest frequency, and the Fourier transforms cost a quarter.
    """

    def __init__(self) -> None:
        super().__init__()
        self.estimator = KernelEstimator()

    def forward(self, blurred: Tensor) -> WienerOutput:
        """Restore ``(B, 3, H, W)`` RGB in ``[0, 1]`` with even sides from 32 px."""
        half_res = F.avg_pool2d(blurred, 2)
        estimate: KernelEstimate = self.estimator(half_res)
        output = WienerOutput(blurred, deconvolve_by(half_res, estimate), estimate)
        change = F.interpolate(output.half_res - half_res, scale_factor=2.0, mode="bilinear", align_corners=False)
        return output._replace(restored=blurred + change)


def deconvolve_by(blurred: Tensor, estimate: KernelEstimate) -> Tensor:
    """Deconvolve images by the estimates of their kernels.

    Args:
        blurred: ``(B, 3, H / 2, W / 2)``, the blurred images at half resolution.
        estimate: Their kernels.

    Returns:
        ``(B, 3 * len(REGULARIZATIONS), H / 2, W / 2)``, with each of ``REGULARIZATIONS`` in turn.
    """
    weights = torch.stack([estimate.regularization * factor for factor in REGULARIZATIONS], dim=1)
    return deconvolve(blurred, estimate.kernel, weights)


def halve_kernel(kernel: Tensor) -> Tensor:
    """Return the kernels that blur an image of half the size alike.

    Args:
        kernel: ``(B, 4n + 1, 4n + 1)``, sum 1, in pixels of the image.

    Returns:
        ``(B, 2n + 1, 2n + 1)``, sum 1.
    """
    # Two means of neighbours make the hat filter (1/4, 1/2, 1/4), centred at every second pixel.
    halved = F.avg_pool2d(F.avg_pool2d(kernel, 2, stride=1, padding=1), 2)
    return halved / halved.sum(dim=(1, 2), keepdim=True)


def enlarge_kernel(kernel: Tensor) -> Tensor:
    """Return, for kernels at half resolution, smooth ones at full size: about what ``halve_kernel`` would undo.

    Args:
        kernel: ``(B, K, K)``, sum 1, ``K`` odd.

    Returns:
        ``(B, 2K - 1, 2K - 1)``, sum 1, linear between the pixels of ``kernel``.
    """
    side = 2 * kernel.shape[-1] - 1
    enlarged = F.interpolate(kernel.unsqueeze(1), size=(side, side), mode="bilinear", align_corners=True).squeeze(1)
    return enlarged / enlarged.sum(dim=(1, 2), keepdim=True)
