"""Deconvolution by turns: a data step towards what explains the blurred face, then a denoiser that knows faces.

A single inverse filter either leaves the blur or amplifies noise, and what a network makes of its result is guessed in
one go. By turns, each step corrects the other (half-quadratic splitting with a denoiser for a prior, "plug and play":
Venkatakrishnan et al. 2013; learned from end to end: Zhang et al. 2020, Deep Unfolding Network for Image
Super-Resolution). The kernel is wrong in part, so the denoiser is also shown what is left to explain: where
the kernel is wrong, it shows there.
"""

from typing import Final

import torch
from torch import Tensor, nn

from snadnet.models.layers.unet import ResidualUNet
from snadnet.models.wiener.data_step import DataStep, Observation
from snadnet.models.wiener.fourier import full_precision

ROUNDS: Final = 2
_WIDTHS: Final = (24, 48, 96)
_UNITS: Final = (1, 2, 2)
_FIRST_LEVEL: Final = 20.0 / 255.0
_LAST_LEVEL: Final = 7.0 / 255.0
_NOISE: Final = 0.011
"""Noise that the first weights of the data steps suit; lower than photos', as a face's own spectrum falls steeply."""

_LEVEL_SCALE: Final = 10.0


class Denoiser(nn.Module):
    """Take noise of a known strength off faces, seeing what else is known of them; untrained, it changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        # The images, their noise's level, the last step's change and what was left to explain.
        self.network = ResidualUNet(10, 3, widths=_WIDTHS, units=_UNITS)

    def forward(self, images: Tensor, level: Tensor, change: Tensor, unexplained: Tensor) -> Tensor:
        """Denoise images.

        Args:
            images: ``(B, 3, H, W)`` RGB, about ``[0, 1]``.
            level: ``(B,)``, the standard deviation of the noise.
            change: What the data step added to them, the same shape; zeros for images with plain noise.
            unexplained: What was left to explain before, the same shape; zeros for images with plain noise.

        Returns:
            The same shape, float32.
        """
        levels = (_LEVEL_SCALE * level)[:, None, None, None].expand(-1, 1, *images.shape[-2:])
        residual: Tensor = self.network(torch.cat((images - 0.5, levels, change, unexplained), dim=1))
        return images + residual


class UnrolledDeconvolution(nn.Module):
    """Rounds of a data step and the denoiser, which is the same in all; see the module."""

    def __init__(self) -> None:
        super().__init__()
        self.denoiser = Denoiser()
        ratio = _LAST_LEVEL / _FIRST_LEVEL
        levels = [_FIRST_LEVEL * ratio ** (number / (ROUNDS - 1)) for number in range(ROUNDS)]
        self.steps = nn.ModuleList(DataStep(weight=(_NOISE / level) ** 2, level=level) for level in levels)

    def forward(self, blurred: Tensor, kernel: Tensor, draft: Tensor) -> tuple[Tensor, ...]:
        """Deconvolve faces, from a draft on.

        Args:
            blurred: ``(B, 3, H, W)`` RGB in ``[0, 1]``; sides, with ``K - 1``, are multiples of 8.
            kernel: ``(B, K, K)``, sum 1, ``K`` odd.
            draft: Faces to begin with, the shape of ``blurred``.

        Returns:
            The faces after each round, about ``[0, 1]``, float32.
        """
        with full_precision(blurred):
            observed = Observation(blurred, kernel)
            images = observed.extend(draft)
        results = []
        for step in self.steps:
            with full_precision(blurred):
                stepped = step(images, observed)
            images = self.denoiser(stepped.images, stepped.level, stepped.images - images, stepped.unexplained)
            results.append(observed.crop(images))
        return tuple(results)
