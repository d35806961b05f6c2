"""The multi-region reconstruction loss (paper, Eq. 10-11)."""

from dataclasses import astuple

import torch
from torch import Tensor, nn

from snadnet.faces.classes import REGIONS
from snadnet.losses.precision import at_least_float32
from snadnet.losses.weights import RegionWeights


def region_errors(restored: Tensor, sharp: Tensor, masks: Tensor) -> Tensor:
    """Mean absolute error of each region of each image (the summand of Eq. 10).

    Args:
        restored: Restored images (B, 3, H, W), nominally in [0, 1].
        sharp: True images (B, 3, H, W) in [0, 1].
        masks: Region masks (B, 4, H, W) in [0, 1], hard or soft.

    Returns:
        Errors (B, 4), at least float32: the error summed over the region's pixels and averaged over the 3
        channels, over the region's pixel count. The count is taken as at least one pixel, so that an empty
        region has error 0 and gradient 0, and a soft mask of less than one pixel in all is not blown up.

    Raises:
        ValueError: If the shapes do not fit together.
    """
    expected = (restored.shape[0], len(REGIONS), *restored.shape[2:])
    if restored.shape != sharp.shape or masks.shape != expected:
        raise ValueError(
            f"restored {tuple(restored.shape)}, sharp {tuple(sharp.shape)} and masks {tuple(masks.shape)} "
            f"do not fit together: take two images (B, 3, H, W) and masks (B, {len(REGIONS)}, H, W)"
        )
    difference = (at_least_float32(restored) - at_least_float32(sharp)).abs().mean(dim=1, keepdim=True)
    weights = at_least_float32(masks)
    return (difference * weights).sum(dim=(2, 3)) / weights.sum(dim=(2, 3)).clamp_min(1.0)


class RegionReconstructionLoss(nn.Module):
    """The regions' mean absolute errors, weighted (Eq. 11), averaged over the batch.

    A small region (eyes, lips) counts as much per weight as a large one, which is the loss's purpose.
    """

    def __init__(self, weights: RegionWeights | None = None) -> None:
        """Set the weights of the regions; None stands for the paper's."""
        super().__init__()
        self.weights: Tensor
        self.register_buffer("weights", torch.tensor(astuple(weights or RegionWeights())), persistent=False)

    def forward(self, restored: Tensor, sharp: Tensor, masks: Tensor) -> Tensor:
        """Compute the loss, a scalar; arguments and errors as in `region_errors`."""
        errors = region_errors(restored, sharp, masks).mean(dim=0)
        return (errors * self.weights).sum()
