"""Estimating the blur kernel of a face image from what motion does to its spectrum, and from the face itself.

Motion of length ``l`` multiplies the spectrum by a function with zeros ``1 / l`` apart. In the cepstrum (the transform
of the logarithm of the power spectrum; Rom 1975) and in the autocorrelation of gradients (Yitzhaky and Kopeika 1997)
this becomes a mark at distance ``l`` in the direction of the motion, wherever in the image the motion was. Neither
can tell a kernel from its mirror image, nor can they tell a face's own structure from the motion's; a small network
sees the image for that.
"""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.layers.former_keys import accept_former_keys
from snadnet.models.wiener.deconvolution import MARGIN, gradient_power
from snadnet.models.wiener.fourier import Fourier, column_frequencies, extent, full_precision, half_weights, waves

KERNEL_SIDE: Final = 2 * MARGIN + 1
"""Rows and columns of an estimated kernel."""

_LAGS: Final = 32
_LAG_MAPS: Final = 5
_LOG_FLOORS: Final = (1e-7, 1e-5)
_MIDDLE_REGULARIZATION: Final = 0.03
_REGULARIZATION_SPAN: Final = 4.0


class KernelEstimate(NamedTuple):
    """Blur kernels estimated for a batch.

    Attributes:
        log_kernel: Logarithm of the kernels, ``(B, K, K)``; each kernel's sum is 1, its centre is the origin.
        regularization: ``(B,)``, positive, the weight of squared gradients that suits the deconvolution.
    """

    log_kernel: Tensor
    regularization: Tensor

    @property
    def kernel(self) -> Tensor:
        """The kernels, ``(B, K, K)``."""
        return self.log_kernel.exp()


class KernelEstimator(nn.Module):
    """Estimate one kernel for a whole image.

    Args:
        hidden: Channels of the layers that join both sources.
    """

    def __init__(self, *, hidden: int = 320) -> None:
        super().__init__()
        self.image = nn.Sequential(
            *_stage(3, 24, 2), *_stage(24, 48, 2), *_stage(48, 96, 2), *_stage(96, 96, 1), *_stage(96, 160, 2),
            *_stage(160, 160, 1),
        )  # fmt: skip
        self.lags = nn.Sequential(
            *_stage(_LAG_MAPS, 32, 1), *_stage(32, 48, 2), *_stage(48, 64, 2), *_stage(64, 40, 2)
        )  # fmt: skip
        self.joined = nn.Sequential(
            nn.Linear(160 + 40 * _LAGS * _LAGS * 2 // 64, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU()
        )
        self.kernel = nn.Linear(hidden, KERNEL_SIDE**2)
        self.regularization = nn.Linear(hidden, 1)
        accept_former_keys(self, picture="image")

    def forward(self, blurred: Tensor) -> KernelEstimate:
        """Estimate the kernels of ``(B, 3, H, W)`` RGB in ``[0, 1]``, in its pixels."""
        appearance = self.image(blurred - 0.5).mean(dim=(2, 3))
        marks = self.lags(lag_maps(blurred.mean(dim=1, keepdim=True))).flatten(1)
        features = self.joined(torch.cat((appearance, marks), dim=1))
        log_kernel = F.log_softmax(self.kernel(features).float(), dim=1)
        span = _REGULARIZATION_SPAN * torch.tanh(self.regularization(features).float().squeeze(1))
        return KernelEstimate(log_kernel.view(-1, KERNEL_SIDE, KERNEL_SIDE), _MIDDLE_REGULARIZATION * torch.exp(span))


def _stage(channels: int, out: int, stride: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(channels, out, 3, stride=stride, padding=1), nn.GELU()


def lag_maps(grey: Tensor) -> Tensor:
    """Return autocorrelations and cepstra of images.

    Args:
        grey: ``(B, 1, H, W)``.

    Returns:
        ``(B, 5, 64, 32)`` float32: autocorrelations of the horizontal differences, the vertical differences and the
        Laplacian, each 1 at lag (0, 0), and two cepstra with different floors, each 0 there; for the lags from -32 to
        31 down and from 0 to 31 to the right. The other half mirrors this one.
    """
    with full_precision(grey):
        grey = grey.float()
        height, width = grey.shape[-2:]
        device = grey.device
        rows = torch.arange(height, device=device) * math.pi / extent(height - 1, device)
        columns = torch.arange(width, device=device) * math.pi / extent(width - 1, device)
        # Without a window the edges of the image would be the strongest lines of its spectrum.
        window = torch.sin(rows).unsqueeze(1) * torch.sin(columns)
        centred = (grey - grey.mean(dim=(2, 3), keepdim=True)) * window
        pixels = extent(height * width, device)
        power = Fourier(height, width, device).transform(centred).power() / pixels
        across = gradient_power(1, width, device)
        both = gradient_power(height, width, device)
        correlations = torch.cat((power * across, power * (both - across), power * both.square()), dim=1)
        cepstra = torch.cat([torch.log(power + floor) for floor in _LOG_FLOORS], dim=1)
        correlations = _at_lags(correlations, width)
        own = correlations[..., _LAGS : _LAGS + 1, :1]
        down, right = torch.arange(-_LAGS, _LAGS, device=device), torch.arange(_LAGS, device=device)
        elsewhere = ((down.unsqueeze(1) != 0) | (right != 0)).float()
        # Scaled to about the size of the autocorrelations whatever the image's size.
        cepstra = _at_lags(cepstra, width) * (pixels.float().sqrt() / 10.0) * elsewhere
        return torch.cat((correlations / own.clamp_min(1e-9), cepstra), dim=1)


def _at_lags(spectrum: Tensor, width: int) -> Tensor:
    """Transform a real, even spectrum ``(..., H, W // 2 + 1)`` back, at the lags of ``lag_maps`` alone."""
    height, device = spectrum.shape[-2], spectrum.device
    down, right = torch.arange(-_LAGS, _LAGS, device=device), torch.arange(_LAGS, device=device)
    cos_h, sin_h = waves(down, torch.arange(height, device=device), height)
    cos_w, sin_w = waves(column_frequencies(width, device), right, width)
    weighted = spectrum * half_weights(width, device) / extent(height * width, device)
    lags: Tensor = cos_h @ weighted @ cos_w - sin_h @ weighted @ sin_w
    return lags
