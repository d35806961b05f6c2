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
    rows, columns = rule.padded(height, width)
    down, right = rows - height, columns - width
    if not down and not right:
        return images
    # Reflection cannot reach further than the image itself; what is left repeats the border.
    mirrored = (min(right, width - 1), min(down, height - 1))
    images = F.pad(images, (0, mirrored[0], 0, mirrored[1]), mode="reflect")
    return F.pad(images, (0, right - mirrored[0], 0, down - mirrored[1]), mode="replicate")
