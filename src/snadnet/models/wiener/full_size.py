"""The kernel at the image's own size, found from what the image, once restored, says of it.

An estimate at half resolution cannot tell where between two pixels a thin path runs, and deconvolution by it cannot
give back what is finer than two pixels. Here the regressions of `snadnet.models.wiener.refinement` are taken at
full size, and a network joins them with the enlarged estimate.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.layers.unet import ResidualUNet
from snadnet.models.wiener.estimator import KERNEL_SIDE
from snadnet.models.wiener.refinement import (
    GRADIENT_REGRESSIONS,
    REGRESSIONS,
    KernelRegressions,
    regress_kernel,
)

FULL_KERNEL_SIDE: Final = 2 * KERNEL_SIDE - 1
"""Rows and columns of a kernel at full size: it reaches as far as one at half size."""

REGRESSION_MAPS: Final = len(KernelRegressions._fields) * len(REGRESSIONS + GRADIENT_REGRESSIONS)
"""How many maps the refiner sees beside the estimate."""

_WIDTHS: Final = (64, 96, 128)
_UNITS: Final = (2, 2, 2)
_LEAST_LOG: Final = -11.0
_LEAST: Final = 1e-9


class FullSizeRefiner(nn.Module):
    """Join an estimate of the kernel at full size with what the restored face says of it, at full size.

    It starts as the identity: the estimate comes back (but for what was next to nothing).
    """

    def __init__(self) -> None:
        super().__init__()
        self.network = ResidualUNet(REGRESSION_MAPS + 1, 1, widths=_WIDTHS, units=_UNITS)

    def forward(self, guess: Tensor, regressed: Tensor) -> Tensor:
        """Refine the kernels.

        Args:
            guess: ``(B, K, K)``, kernels with sum 1, ``K`` odd.
            regressed: What `regression_maps` makes of it and of the faces.

        Returns:
            The logarithm of the kernels, ``(B, K, K)``, of each the sum is 1.
        """
        known = guess.float().clamp_min(_LEAST)
        seen = torch.cat((regressed.float(), known.unsqueeze(1).sqrt()), dim=1)
        log_kernel = known.log().clamp_min(_LEAST_LOG) + map_kernels(self.network, seen)[:, 0]
        return F.log_softmax(log_kernel.flatten(1), dim=1).view_as(guess)


def map_kernels(network: ResidualUNet, maps: Tensor) -> Tensor:
    """Give a network maps of kernels, ``(B, C, K, K)``, with the margins that it needs; of what it returns these go."""
    side = maps.shape[-1]
    missing = -side % network.size_multiple
    before = 2 * (missing // 4)  # even, so that pixels are folded alike whatever the side
    inside = slice(before, before + side)
    mapped: Tensor = network(F.pad(maps, (before, missing - before) * 2))
    return mapped[..., inside, inside]


def regression_maps(guess: Tensor, restored: Tensor, blurred: Tensor) -> Tensor:
    """Return what the refiner sees beside an estimate of the kernels.

    Args:
        guess: ``(B, K, K)``, the estimate, sum 1, ``K`` odd.
        restored: What was restored, ``(B, 3, H, W)`` RGB in ``[0, 1]``, sides over ``K / 2``.
        blurred: The images themselves, the same shape.

    Returns:
        ``(B, REGRESSION_MAPS, K, K)``: square roots, as the parts of a long kernel are small and their differences
        matter.
    """
    return signed_root(torch.cat(regress_kernel(restored, blurred, guess), dim=1))


def signed_root(maps: Tensor) -> Tensor:
    """Square roots with their signs, as the parts of a long kernel are small and their differences matter."""
    return maps.sign() * maps.abs().sqrt()
