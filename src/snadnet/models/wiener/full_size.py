"""The kernel at the image's own size, found from what the image, once restored, says of it.

An estimate at half resolution cannot tell where between two pixels a thin path runs, and deconvolution by it cannot
give back what is finer than two pixels. Here the regressions of `snadnet.models.wiener.refinement` are taken at
full size, and a network joins them with the enlarged estimate. Most of its work is done at half of the kernel's
resolution.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.wiener.estimator import KERNEL_SIDE
from snadnet.models.wiener.fourier import full_precision
from snadnet.models.wiener.refinement import (
    GRADIENT_REGRESSIONS,
    REGRESSIONS,
    KernelBlock,
    KernelRegressions,
    regress_kernel,
)

FULL_KERNEL_SIDE: Final = 2 * KERNEL_SIDE - 1
"""Rows and columns of a kernel at full size: it reaches as far as one at half size."""

_NARROW: Final = 32
_WIDE: Final = 96
_DEPTH: Final = 6
_FULL_DEPTH: Final = 1
_LEAST_LOG: Final = -11.0
_LEAST: Final = 1e-9


class FullSizeRefiner(nn.Module):
    """Join an estimate of the kernel at full size with what the restored face says of it, at full size.

    It starts as the identity: the estimate comes back (but for what was next to nothing).
    """

    def __init__(self) -> None:
        super().__init__()
        maps = len(KernelRegressions._fields) * len(REGRESSIONS + GRADIENT_REGRESSIONS)
        self.stem = nn.Conv2d(maps + 1, _NARROW, 3, padding=1)
        self.down = nn.Conv2d(_NARROW, _WIDE, 3, stride=2, padding=1)
        self.blocks = nn.Sequential(*(KernelBlock(_WIDE) for _ in range(_DEPTH)))
        self.up = nn.ConvTranspose2d(_WIDE, _NARROW, 3, stride=2, padding=1)
        self.full_blocks = nn.Sequential(*(KernelBlock(_NARROW) for _ in range(_FULL_DEPTH)))
        self.kernel = nn.Conv2d(_NARROW, 1, 1)
        nn.init.zeros_(self.kernel.weight)
        nn.init.zeros_(self.kernel.bias)  # type: ignore[arg-type]

    def forward(self, guess: Tensor, restored: Tensor, blurred: Tensor) -> Tensor:
        """Refine the kernels.

        Args:
            guess: ``(B, K, K)``, kernels with sum 1, ``K`` odd.
            restored: What was restored, ``(B, 3, H, W)`` RGB in ``[0, 1]``, sides over ``K / 2``.
            blurred: The image itself, the same shape.

        Returns:
            The logarithm of the kernels, ``(B, K, K)``, of each the sum is 1.
        """
        regressed = torch.cat(regress_kernel(restored, blurred, guess), dim=1)
        # Square roots, as the parts of a long kernel are small and their differences matter.
        regressed = regressed.sign() * regressed.abs().sqrt()
        known = guess.float().clamp_min(_LEAST).unsqueeze(1)
        # Depthwise convolutions are as fast in full precision as in half, on CPUs, and fastest channels-last.
        seen = torch.cat((regressed, known.sqrt()), dim=1).contiguous(memory_format=torch.channels_last)
        with full_precision(seen):
            fine = self.stem(seen)
            features = self.full_blocks(fine + self.up(self.blocks(self.down(F.gelu(fine)))))
            log_kernel = known.log().clamp_min(_LEAST_LOG) + self.kernel(features)
        return F.log_softmax(log_kernel.flatten(1), dim=1).view_as(guess)
