"""Masks of the four regions that the reconstruction loss weighs (paper, Fig. 6; SPEC 2)."""

from functools import reduce

import torch
from torch import Tensor

from snadnet.faces.classes import NUM_CLASSES, REGIONS
from snadnet.losses.precision import at_least_float32


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


def region_masks_from_probabilities(probabilities: Tensor) -> Tensor:
    """Split class probabilities into the four regions, softly.

    Args:
        probabilities: Class probabilities (B, 19, H, W) in [0, 1], adding up to 1 over the classes.

    Returns:
        Masks (B, 4, H, W), float32 (float64 for float64 input) in [0, 1], in the order skin, facial, hair,
        back of ``REGIONS``, adding up to 1 at every pixel.

    Raises:
        ValueError: If ``probabilities`` does not have 19 classes.
    """
    if probabilities.ndim != 4 or probabilities.shape[1] != NUM_CLASSES:  # noqa: PLR2004
        raise ValueError(f"probabilities must be (B, {NUM_CLASSES}, H, W), got {tuple(probabilities.shape)}")
    precise = at_least_float32(probabilities)
    return torch.stack([precise[:, list(ids)].sum(dim=1) for ids in REGIONS.values()], dim=1)
