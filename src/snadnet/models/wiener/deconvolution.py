"""Wiener deconvolution with a known kernel, and with borders that are worked out along the way.

The regularized Wiener filter divides by the kernel's transfer function where that is large; elsewhere it holds to what
natural images have in common, small gradients. It takes the image to be periodic; at the borders of a real one this
gives ripples that reach far inside. So the image is extended by a margin, and the margin is then replaced by what the
restored image looks like when blurred again, a few times, with less and less regularization (unknown borders, as in
Reeves 2005; here a fixed-point iteration, over-relaxed).
"""

import math
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from snadnet.models.wiener.fourier import Fourier, Spectrum, column_frequencies, extent, full_precision

MARGIN: Final = 12
"""Pixels by which an image is extended on each side: kernels reach this far."""

PASSES: Final = 3
_FIRST_REGULARIZATION: Final = 0.1
_OVER_RELAXATION: Final = 1.5
_SMALLEST_POWER: Final = 1e-4


def deconvolve(blurred: Tensor, kernel: Tensor, regularization: Tensor) -> Tensor:
    """Deconvolve each image with its kernel.

    Args:
        blurred: ``(B, C, H, W)``, sides over ``MARGIN``.
        kernel: ``(B, K, K)``, non-negative, sum 1, ``K`` odd and at most ``2 * MARGIN + 1``; its centre is the origin.
        regularization: ``(B, N)``, positive: for each image the weights of squared gradients against squared
            errors, in falling order. Large ones give smooth images, small ones sharp and noisy images.

    Returns:
        ``(B, N * C, H, W)`` float32: the image for each weight in turn.
    """
    with full_precision(blurred):
        extended = extend(blurred.float(), MARGIN)
        height, width = extended.shape[-2:]
        fourier = Fourier(height, width, blurred.device)
        placed = fourier.transform_centred(kernel.float())
        blur = Spectrum(placed.real.unsqueeze(1), placed.imaginary.unsqueeze(1))
        power = blur.power()
        roughness = gradient_power(height, width, blurred.device)
        weights = regularization.float()[..., None, None, None]
        inside = F.pad(torch.ones_like(blurred[:1, :1], dtype=torch.float32), (MARGIN,) * 4)
        last = weights[:, -1]
        for step in range(PASSES - 1):
            part = step / (PASSES - 1)
            weight = torch.exp((1.0 - part) * math.log(_FIRST_REGULARIZATION) + part * torch.log(last))
            again = power / (power + weight * roughness + _SMALLEST_POWER)
            blurred_again = fourier.inverse(fourier.transform(extended).scaled(again))
            extended = extended + (1.0 - inside) * _OVER_RELAXATION * (blurred_again - extended)
        matched = fourier.transform(extended).times_conjugate(blur)
        each = Spectrum(matched.real.unsqueeze(1), matched.imaginary.unsqueeze(1))
        share = 1.0 / (power.unsqueeze(1) + weights * roughness + _SMALLEST_POWER)
        images = fourier.inverse(each.scaled(share)).flatten(1, 2)
        return images[..., MARGIN:-MARGIN, MARGIN:-MARGIN]


def gradient_power(height: int, width: int, device: torch.device) -> Tensor:
    """Return the squared transfer functions of horizontal and vertical differences, summed: ``(H, W // 2 + 1)``."""
    rows = torch.arange(height, device=device).unsqueeze(1) * math.pi / extent(height, device)
    columns = column_frequencies(width, device).unsqueeze(0) * math.pi / extent(width, device)
    return 4.0 * (torch.sin(rows).square() + torch.sin(columns).square())


def extend(images: Tensor, margin: int) -> Tensor:
    """Mirror ``(B, C, H, W)`` images outwards by a margin that fades into the opposite side's."""
    mirrored = F.pad(images, (margin,) * 4, mode="reflect")
    for dim in (2, 3):
        before, within, after = mirrored.tensor_split((margin, mirrored.shape[dim] - margin), dim=dim)
        ends = torch.cat((before, after), dim=dim)
        opposite = ends.flip(dim)
        # From a half at the outer edges to nearly all at the inner ones.
        places = torch.arange(2 * margin, device=images.device) + 1
        own = 0.5 + 0.5 * torch.minimum(places, 2 * margin + 1 - places) / (margin + 1)
        own = own.unsqueeze(1) if dim == 2 else own  # noqa: PLR2004 (the rows)
        before, after = (opposite + own * (ends - opposite)).tensor_split(2, dim=dim)
        mirrored = torch.cat((before, within, after), dim=dim)
    return mirrored
