"""Masks of the four regions that the reconstruction loss weighs (paper, Fig. 6)."""

from functools import reduce

import torch
from torch import Tensor

from snadnet.faces.classes import REGIONS


def region_masks(labels: Tensor) -> Tensor:
    """Split a label map into the four regions.

    Args:
        labels: Class ids (B, H, W), int64. A pixel with an id outside 0..18 (an ignored one) is in no region.

    Returns:
        Masks (B, 4, H, W), float32, 0 or 1, in the order skin, facial, hair, back of ``REGIONS``. They add
        up to 1 at every pixel that has a class.
    """
    # Compared with plain numbers: a tensor of ids would have a GPU wait for its copy.
    masks = [reduce(torch.logical_or, (labels == identifier for identifier in ids)) for ids in REGIONS.values()]
    return torch.stack(masks, dim=1).float()
