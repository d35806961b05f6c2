"""Refining a kernel estimate once the face has been restored with it.

A restored face, soft and partly wrong as it is, says much of the kernel: blurred by it, it should be the image that
was given. That is a regression of the given image on the restored one. A restoration trained for the least squared
error is close to the mean of what the sharp face may be, and the error of such a mean is uncorrelated with it; so the
regression is hardly biased, although the restored face is far softer than the sharp one. What it leaves is noise, which
a small network separates from the kernel's own line.
"""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.layers.blocks import ChannelNorm
from snadnet.models.wiener.deconvolution import gradient_power
from snadnet.models.wiener.estimator import KernelEstimate
from snadnet.models.wiener.fourier import Fourier, Spectrum, extent, full_precision

REGRESSIONS: Final = (3e-3, 1e-2, 3e-2)
"""Weights of the squared kernel in the regressions, as shares of the restored image's mean power."""

GRADIENT_REGRESSIONS: Final = (5e-2, 3e-1)
"""The same, of those between the images' gradients: what is restored wrongly is mostly smooth."""

_WIDTH: Final = 64
_DEPTH: Final = 6
_LEAST_LOG: Final = -11.0
_REGULARIZATION_SPAN: Final = 2.0
_FLAT: Final = 1.8


class KernelRegressions(NamedTuple):
    """Kernels found by ridge regression: each field is ``(B, 5, K, K)``, the plain ones first, then those of gradients.

    None of it is non-negative or of sum 1 by construction. A ridge regression shows a kernel blurred and shrunk, the
    more so the heavier its ridge and the softer the restored image; so what it shows is to be compared with what it
    would show of a kernel that is known.

    Attributes:
        found: The kernels that best blur restored images into blurred ones.
        of_guess: What would be found, but for noise, were a guess the true kernel.
        of_point: What would be found of an image that was not blurred.
    """

    found: Tensor
    of_guess: Tensor
    of_point: Tensor


def regress_kernel(restored: Tensor, blurred: Tensor, guess: Tensor) -> KernelRegressions:
    """Find the kernels that best blur restored images into blurred ones (ridge regression), by several weights.

    Args:
        restored: ``(B, 3, H, W)`` float, sides over ``K``.
        blurred: The same shape.
        guess: ``(B, K, K)``, kernels to compare with; their size, ``K`` odd, is that of what is found.
    """
    with full_precision(restored):
        restored, blurred = restored.float(), blurred.float()
        height, width = blurred.shape[-2:]
        device = blurred.device
        # The window keeps the edges, where the two images do not fit together, out of the regression.
        window = fading_window(height, device).unsqueeze(1) * fading_window(width, device)
        mean = blurred.mean(dim=(2, 3), keepdim=True)
        fourier = Fourier(height, width, device)
        source, result = (fourier.transform((image - mean) * window) for image in (restored, blurred))
        cross = result.times_conjugate(source)
        cross = Spectrum(cross.real.sum(dim=1, keepdim=True), cross.imaginary.sum(dim=1, keepdim=True))
        power = source.power().sum(dim=1, keepdim=True)
        roughness = gradient_power(height, width, device)
        plain, gradients = _inverses(power, REGRESSIONS), _inverses(power * roughness, GRADIENT_REGRESSIONS)
        inverses = torch.cat((plain, gradients * roughness), dim=1)
        passed = inverses * power
        guessed = fourier.transform_centred(guess.float().unsqueeze(1))
        reach = guess.shape[-1] // 2
        return KernelRegressions(
            fourier.inverse_around(cross.scaled(inverses), reach),
            fourier.inverse_around(guessed.scaled(passed), reach),
            fourier.inverse_around(passed, reach),
        )


def _inverses(power: Tensor, ridges: tuple[float, ...]) -> Tensor:
    """Invert a power spectrum ``(B, 1, H, W)`` with each ridge, a share of the mean power."""
    level = power.mean(dim=(2, 3), keepdim=True) + 1e-6
    return torch.cat([1.0 / (power + ridge * level) for ridge in ridges], dim=1)


def fading_window(length: int, device: torch.device) -> Tensor:
    """Rise from zero along a sine, one over the middle."""
    places = (torch.arange(length, device=device) + 0.5) * math.pi / extent(length, device)
    return (_FLAT * torch.sin(places)).clamp_max(1.0)


class KernelRefiner(nn.Module):
    """Join a first estimate of the kernel with what the restored face says of it.

    It starts as the identity: the first estimate comes back (but for what was next to nothing).
    """

    def __init__(self) -> None:
        super().__init__()
        maps = len(KernelRegressions._fields) * len(REGRESSIONS + GRADIENT_REGRESSIONS)
        self.stem = nn.Conv2d(maps + 2, _WIDTH, 3, padding=1)
        self.blocks = nn.Sequential(*(KernelBlock(_WIDTH) for _ in range(_DEPTH)))
        self.kernel = nn.Conv2d(_WIDTH, 1, 1)
        self.regularization = nn.Linear(_WIDTH, 1)
        for head in (self.kernel, self.regularization):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)  # type: ignore[arg-type]

    def forward(self, first: KernelEstimate, restored: Tensor, blurred: Tensor) -> KernelEstimate:
        """Refine the estimates.

        Args:
            first: The first estimate.
            restored: What was restored with it, ``(B, 3, H, W)`` RGB in ``[0, 1]``, in the kernels' pixels.
            blurred: The image itself, the same shape.
        """
        regressed = torch.cat(regress_kernel(restored, blurred, first.kernel), dim=1)
        # Square roots, as the parts of a long kernel are small and their differences matter.
        regressed = regressed.sign() * regressed.abs().sqrt()
        log_kernel = first.log_kernel.unsqueeze(1).clamp_min(_LEAST_LOG)
        regularization = torch.log(first.regularization)[:, None, None, None].expand_as(log_kernel)
        features = self.blocks(self.stem(torch.cat((regressed, (0.5 * log_kernel).exp(), regularization), dim=1)))
        change = self.kernel(features).float()
        span = _REGULARIZATION_SPAN * torch.tanh(self.regularization(features.mean(dim=(2, 3))).float().squeeze(1))
        refined = F.log_softmax((log_kernel + change).flatten(1), dim=1).view_as(first.log_kernel)
        return KernelEstimate(refined, first.regularization * torch.exp(span))


class KernelBlock(nn.Module):
    """Depthwise mixing over a wide neighbourhood, then a feed-forward, around which the features go on."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = ChannelNorm(channels)
        self.expand = nn.Conv2d(channels, 2 * channels, 1)
        self.project = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape."""
        mixed: Tensor = self.project(F.gelu(self.expand(self.norm(self.depthwise(features)))))
        return features + mixed
