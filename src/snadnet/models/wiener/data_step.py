"""A step from a restored image towards one that explains the blurred one: ``argmin |k * x - y|^2 + r |x - x_n|^2``.

Where a kernel is known, that step has a closed form in the Fourier domain, ``x = x_n + K* (y - K x_n) / (|K|^2 + r)``.
How far it should go is a matter of what is left to explain: under noise a little, without noise almost all the way, at
frequencies that ``x_n`` has right already not at all. So ``r`` is a curve over the frequencies, and each image's own
is read from the spectrum of what ``x_n`` does not explain and from the kernel's.
"""

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.wiener.deconvolution import extend
from snadnet.models.wiener.fourier import Fourier, Spectrum, extent, full_precision

STRENGTHS: Final = (1.0, 0.1)
"""Steps are made at these multiples of the weights ``r``, from cautious to bold."""

_BANDS: Final = 10
_HIDDEN: Final = 48
_SPAN: Final = 5.0
_LEAST_POWER: Final = 1e-8
_FIRST_WEIGHTS: Final = (0.02, 1.0)
"""Before anything is learned: ``r`` at the lowest and at the highest frequency."""


class DataStep(nn.Module):
    """Steps of several strengths, with weights that are estimated for each image; see the module."""

    def __init__(self) -> None:
        super().__init__()
        lowest, highest = (math.log(weight) for weight in _FIRST_WEIGHTS)
        self.log_weights = nn.Parameter(torch.linspace(lowest, highest, _BANDS))
        self.hidden = nn.Linear(2 * _BANDS, _HIDDEN)
        self.change = nn.Linear(_HIDDEN, _BANDS)
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)

    def forward(self, restored: Tensor, blurred: Tensor, kernel: Tensor) -> Tensor:
        """Return what each step would add to the restored images.

        Beyond its edges the restored image is mirrored, and takes itself to be explained there.

        Args:
            restored: ``x_n``, ``(B, 3, H, W)`` RGB, about ``[0, 1]``.
            blurred: ``y``, the same shape.
            kernel: ``(B, K, K)``, sum 1, ``K`` odd; its centre is the origin.

        Returns:
            ``(B, len(STRENGTHS) * 3, H, W)`` float32, for each of `STRENGTHS` in turn.
        """
        with full_precision(restored):
            margin = kernel.shape[-1] // 2
            extended = extend(restored.float(), margin)
            height, width = extended.shape[-2:]
            fourier = Fourier(height, width, restored.device)
            placed = fourier.transform_placed(kernel.float(), row=-margin, column=-margin)
            blur = Spectrum(placed.real.unsqueeze(1), placed.imaginary.unsqueeze(1))
            inside = slice(margin, -margin)
            explained = fourier.inverse(fourier.transform(extended).times(blur))[..., inside, inside]
            unexplained = fourier.transform(F.pad(blurred.float() - explained, (margin,) * 4))
            power = blur.power()
            weights = self._weights(unexplained, power, _bands(height, width, restored.device))
            steps = []
            for strength in STRENGTHS:
                share = 1.0 / (power + strength * weights)
                steps.append(fourier.inverse(unexplained.times_conjugate(blur).scaled(share)))
            return torch.cat(steps, dim=1)[..., inside, inside]

    def _weights(self, unexplained: Spectrum, power: Tensor, bands: Tensor) -> Tensor:
        """The weights ``r`` of each image, ``(B, 1, H, W // 2 + 1)``."""
        members = bands.sum(dim=(1, 2))
        rows, columns = bands.shape[-2:]
        # About the number of pixels, so that the power is that of one pixel's noise.
        left = unexplained.power().mean(dim=1) / extent(rows * columns * 2, power.device)
        seen = [
            torch.log(torch.einsum("bhw,nhw->bn", each, bands) / members + _LEAST_POWER)
            for each in (left, power.squeeze(1))
        ]
        # Both are brought to about the range from -1 to 1.
        features = torch.cat((seen[0] / 4.0 + 2.0, seen[1] / 4.0 + 1.0), dim=1)
        change = _SPAN * torch.tanh(self.change(F.gelu(self.hidden(features))) / _SPAN)
        return torch.exp(torch.einsum("bn,nhw->bhw", self.log_weights + change, bands)).unsqueeze(1)


def _bands(height: int, width: int, device: torch.device) -> Tensor:
    """Weights of linear interpolation between bands of frequencies, ``(bands, H, W // 2 + 1)``, which add up to one.

    The bands are even steps of the frequency's square root, from nothing to the highest: most of an image is low.
    """
    rows = torch.arange(height, device=device)
    down = torch.minimum(rows, height - rows) / extent(height, device)
    right = torch.arange(width // 2 + 1, device=device) / extent(width, device)
    frequency = torch.sqrt(down.square().unsqueeze(1) + right.square()) / math.sqrt(0.5)
    place = frequency.clamp(0.0, 1.0).sqrt() * (_BANDS - 1)
    numbers = torch.arange(_BANDS, device=device)[:, None, None]
    return (1.0 - (place - numbers).abs()).clamp_min(0.0)
