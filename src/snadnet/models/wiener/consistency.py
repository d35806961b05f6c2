"""How well a restored image explains the blurred one: what is left of it, beside the noise that it has.

A restored image that is right, blurred by a kernel that is right, leaves nothing but noise. One that leaves more has
the kernel or the image wrong, or was not blurred alike everywhere; one that leaves no more may still be wrong in what
the blur took away, of which the blurred image says nothing.
"""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from snadnet.models.wiener.deconvolution import extend
from snadnet.models.wiener.fourier import Fourier, Spectrum, full_precision

_LEAST_SIDE: Final = 8
_MEDIAN_OF_ABSOLUTES: Final = 0.6745
"""The median of the absolute value of a standard normal variable."""


class Consistency(NamedTuple):
    """What a batch's restored images leave unexplained; both in the range of values, ``[0, 1]``.

    Attributes:
        unexplained: ``(B,)``, root mean square of the blurred image less the restored one, blurred.
        noise: ``(B,)``, standard deviation of the blurred image's noise.
    """

    unexplained: Tensor
    noise: Tensor

    @property
    def excess(self) -> Tensor:
        """``(B,)``, what is unexplained and no noise, root mean square."""
        return (self.unexplained.square() - self.noise.square()).clamp_min(0.0).sqrt()


@torch.no_grad()
def consistency(restored: Tensor, blurred: Tensor, kernel: Tensor) -> Consistency:
    """Blur restored images again and compare them with what was given.

    Half of the borders that the kernel reaches over is left out: what lay beyond them is not known.

    Args:
        restored: ``(B, 3, H, W)`` RGB, about ``[0, 1]``.
        blurred: The same shape.
        kernel: ``(B, K, K)``, sum 1, ``K`` odd; its centre is the origin.
    """
    with full_precision(restored):
        margin = kernel.shape[-1] // 2
        extended = extend(restored.float(), margin)
        height, width = extended.shape[-2:]
        fourier = Fourier(height, width, restored.device)
        placed = fourier.transform_placed(kernel.float(), row=-margin, column=-margin)
        blur = Spectrum(placed.real.unsqueeze(1), placed.imaginary.unsqueeze(1))
        inside = slice(margin, -margin)
        again = fourier.inverse(fourier.transform(extended).times(blur))[..., inside, inside]
        left = blurred.float() - again
        edge = min(margin // 2, (min(left.shape[-2:]) - _LEAST_SIDE) // 2)
        left = left[..., edge : left.shape[-2] - edge, edge : left.shape[-1] - edge]
        return Consistency(left.square().mean(dim=(1, 2, 3)).sqrt(), noise_level(blurred))


def noise_level(images: Tensor) -> Tensor:
    """Estimate the standard deviation of white noise in blurred images ``(B, 3, H, W)``: ``(B,)``.

    Second differences both down and across leave almost nothing of a blurred image; the median of what they leave is
    not moved by the few edges that are sharp (Immerkaer 1996, with a median for the mean).
    """
    mask = images.new_tensor([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]])
    channels = images.shape[1]
    differences = F.conv2d(images.float(), mask.float().expand(channels, 1, 3, 3), groups=channels)
    scale = math.sqrt(float(mask.square().sum()))
    return differences.abs().flatten(1).median(dim=1).values / (_MEDIAN_OF_ABSOLUTES * scale)
