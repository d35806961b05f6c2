"""A step towards an image that explains the blurred one: ``argmin |m (k * x - y)|^2 + r |x - x_n|^2``.

This is the data step of half-quadratic splitting; the other is a denoiser's (`snadnet.models.wiener.unrolled`). Where
a kernel is known, and ``m`` counts all pixels, it has a closed form in the Fourier domain: ``x = x_n + K* (y - K x_n) /
(|K|^2 + r)``. A blurred image ends at its edges, though, and ``m`` counts nothing beyond them; so ``x`` lies on a
canvas that is larger by the kernel's reach, and the closed form is repeated.

How far a step should go is a matter of what is left to explain: under noise a little, without noise almost all the
way. So ``r`` is a curve over the frequencies, and each image's own is read from the spectrum of what ``x_n`` does not
explain and from the kernel's.
"""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.layers.graph_forms import channel_sum
from snadnet.models.wiener.deconvolution import extend
from snadnet.models.wiener.fourier import Fourier, Spectrum, column_frequencies, extent

_BANDS: Final = 10
_HIDDEN: Final = 48
_SPAN: Final = 5.0
_LEAST_POWER: Final = 1e-8


class Observation:
    """Blurred images on their canvas, with their kernels' spectra: what stays the same from step to step.

    Args:
        blurred: ``(B, 3, H, W)`` RGB in ``[0, 1]``.
        kernel: ``(B, K, K)``, sum 1, ``K`` odd; its centre is the origin.
    """

    def __init__(self, blurred: Tensor, kernel: Tensor) -> None:
        margin = kernel.shape[-1] // 2
        self.margin = margin
        self.pixels = extent(blurred.shape[-2] * blurred.shape[-1], blurred.device)
        self.padded = F.pad(blurred.float(), (margin,) * 4)
        self.inside = F.pad(torch.ones_like(blurred[:1, :1], dtype=torch.float32), (margin,) * 4)
        height, width = self.padded.shape[-2:]
        self.fourier = Fourier(height, width, blurred.device)
        placed = self.fourier.transform_centred(kernel.float())
        self.blur = Spectrum(placed.real.unsqueeze(1), placed.imaginary.unsqueeze(1))
        self.power = self.blur.power()
        self.bands = frequency_bands(height, width, blurred.device)

    def extend(self, images: Tensor) -> Tensor:
        """Put ``(B, 3, H, W)`` images onto the canvas, mirrored beyond their edges."""
        return extend(images.float(), self.margin)

    def crop(self, canvas: Tensor) -> Tensor:
        """Take ``(B, 3, H, W)`` images off the canvas."""
        return without_margin(canvas, self.margin)

    def unexplained(self, spectrum: Spectrum) -> Tensor:
        """What images on the canvas, given by their spectra, leave of the blurred ones; nothing beyond the edges."""
        return self.inside * (self.padded - self.fourier.inverse(spectrum.times(self.blur)))

    def unexplained_brightness(self, canvas: Tensor) -> Tensor:
        """What the `brightness` of images on the canvas leaves of that of the blurred ones, ``(B, 1, H, W)``."""
        explained = self.fourier.inverse(self.fourier.transform(canvas).times(self.blur))
        return brightness(self.crop(self.padded)) - self.crop(explained)


def without_margin(images: Tensor, margin: int) -> Tensor:
    """Images ``(B, C, H, W)`` without so many pixels on each side."""
    return images[..., margin:-margin, margin:-margin] if margin else images


def brightness(images: Tensor) -> Tensor:
    """The mean of the channels, ``(B, 1, H, W)``."""
    return channel_sum(images) / images.shape[1]


class Step(NamedTuple):
    """What a data step makes of images on their canvas.

    Attributes:
        images: ``(B, 3, H + K - 1, W + K - 1)`` float32.
        level: ``(B,)``, how strong an error the denoiser is to expect in them.
        unexplained: What was left to explain before, of the images' shape.
    """

    images: Tensor
    level: Tensor
    unexplained: Tensor


class DataStep(nn.Module):
    """One step, with weights and an expected error that are estimated for each image; see the module.

    Args:
        weight: ``r`` before anything is learned.
        level: The expected error before anything is learned, of values in ``[0, 1]``.
        repetitions: How often the closed form is taken.
    """

    def __init__(self, *, weight: float, level: float, repetitions: int = 2) -> None:
        super().__init__()
        self.repetitions = repetitions
        self.log_weights = nn.Parameter(torch.full((_BANDS,), math.log(weight)))
        self.log_level = nn.Parameter(torch.tensor(math.log(level)))
        self.hidden = nn.Linear(2 * _BANDS, _HIDDEN)
        self.change = nn.Linear(_HIDDEN, _BANDS + 1)
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)

    def forward(self, images: Tensor, observed: Observation) -> Step:
        """Take the step from ``images`` on the canvas; float32, so not under autocast."""
        spectrum = observed.fourier.transform(images)
        unexplained = observed.unexplained(spectrum)
        left = observed.fourier.transform(unexplained)
        weights, level = self._weights(left, observed)
        share = 1.0 / (observed.power + weights)
        step, kept = observed.blur.scaled(share), observed.power * share
        change = left.times_conjugate(step)
        for _ in range(self.repetitions - 1):
            left = observed.fourier.transform(observed.unexplained(spectrum.plus(change)))
            # change + share (K* left - weights change), as 1 - weights share is the power's part.
            change = left.times_conjugate(step).plus(change.scaled(kept))
        return Step(images + observed.fourier.inverse(change), level, unexplained)

    def _weights(self, left: Spectrum, observed: Observation) -> tuple[Tensor, Tensor]:
        """The weights ``r`` of each image, ``(B, 1, H, W // 2 + 1)``, and the expected error ``(B,)``."""
        # Of one pixel, so that it is the noise's own where nothing else is left.
        noise = left.power().mean(dim=1) / observed.pixels
        seen = [
            torch.log(band_means(each, observed.bands) + _LEAST_POWER) for each in (noise, observed.power.squeeze(1))
        ]
        # Both are brought to about the range from -1 to 1.
        features = torch.cat((seen[0] / 4.0 + 2.0, seen[1] / 4.0 + 1.0), dim=1)
        change = _SPAN * torch.tanh(self.change(F.gelu(self.hidden(features))) / _SPAN)
        curve = ((self.log_weights + change[:, :_BANDS]) @ observed.bands.flatten(1)).view_as(noise)
        return torch.exp(curve).unsqueeze(1), torch.exp(self.log_level + change[:, _BANDS])


def frequency_bands(height: int, width: int, device: torch.device) -> Tensor:
    """Weights of linear interpolation between bands of frequencies, ``(bands, H, W // 2 + 1)``, which add up to one.

    The bands are even steps of the frequency's square root, from nothing to the highest: most of an image is low.
    """
    rows = torch.arange(height, device=device)
    down = torch.minimum(rows, height - rows) / extent(height, device)
    right = column_frequencies(width, device) / extent(width, device)
    frequency = torch.sqrt(down.square().unsqueeze(1) + right.square()) / math.sqrt(0.5)
    place = frequency.clamp(0.0, 1.0).sqrt() * (_BANDS - 1)
    numbers = torch.arange(_BANDS, device=device)[:, None, None]
    return (1.0 - (place - numbers).abs()).clamp_min(0.0)


def band_means(power: Tensor, weights: Tensor) -> Tensor:
    """Return the means of power spectra in bands of frequencies.

    Args:
        power: ``(B, H, W // 2 + 1)``.
        weights: Of each frequency in each band, ``(bands, H, W // 2 + 1)``.

    Returns:
        ``(B, bands)``.
    """
    members = weights.flatten(1)
    # Never transposed, so that a graph holds the weights once.
    means: Tensor = (members @ power.flatten(1).mT).mT / members.sum(dim=1)
    return means
