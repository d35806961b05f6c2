"""Padding images of any size to the sizes that a network works on."""

from torch import Tensor
from torch.nn import functional as F

from snadnet.errors import ModelError
from snadnet.size_rule import SMALLEST_SIDE, SizeRule


def pad_to_rule(images: Tensor, rule: SizeRule) -> Tensor:
    """Pad ``(B, C, H, W)`` at the right and bottom, by reflection, to the smallest size that ``rule`` allows.

    Raises:
        ModelError: If a side is under 32 px.
    """
    height, width = images.shape[-2:]
    if min(height, width) < SMALLEST_SIDE:
        raise ModelError(f"images of {width}x{height} px are too small; each side needs {SMALLEST_SIDE} px or more")
    if rule.padded(height, width) == (height, width):
        return images
    mirrored, repeated = rule.padding(height, width)
    images = F.pad(images, (0, mirrored[1], 0, mirrored[0]), mode="reflect")
    return F.pad(images, (0, repeated[1], 0, repeated[0]), mode="replicate")
