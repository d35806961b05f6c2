"""UMSN as a whole: segmentation network, deblurring network, and the confidence network for the loss."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.umsn.config import UMSN_PAPER, UMSNConfig
from snadnet.models.umsn.deblurring import ConfidenceNetwork, DeblurringNetwork
from snadnet.models.umsn.segmentation import SegmentationNetwork


class UMSNOutput(NamedTuple):
    """UMSN's outputs for a batch. Images are RGB in ``[-1, 1]``.

    Attributes:
        restored: ``(B, 3, H, W)``.
        restored_half_res: ``(B, 3, H / 2, W / 2)``.
        first_stage: What each class's stream makes of the image, four of ``(B, 3, H, W)``.
        maps: The four classes' maps ``(B, 4, H, W)`` in ``[0, 1]``, each by itself.
        maps_half_res: The same ``(B, 4, H / 2, W / 2)``.
        confidences: How far to trust the restoration, a class and colour channel, ``(B, 4, 3)`` in ``(0, 1)``;
            ``None`` where no target was given.
    """

    restored: Tensor
    restored_half_res: Tensor
    first_stage: tuple[Tensor, ...]
    maps: Tensor
    maps_half_res: Tensor
    confidences: Tensor | None


class UMSN(nn.Module):
    """Restores ``(B, 3, H, W)`` RGB in ``[-1, 1]``, sides multiples of ``SIZE_MULTIPLE``.

    The published test code runs the confidence network too, with the blurred image as the true one, to no effect.
    """

    def __init__(self, config: UMSNConfig = UMSN_PAPER) -> None:
        super().__init__()
        self.segmentation = SegmentationNetwork(config)
        self.deblurring = DeblurringNetwork(config)
        self.confidence = ConfidenceNetwork(config)

    def forward(self, blurred: Tensor, target: Tensor | None = None) -> UMSNOutput:
        """Restore ``(B, 3, H, W)`` by the class maps that the segmentation network reads from it.

        Args:
            blurred: The image.
            target: The true image, which the confidences are judged by; only the loss needs them.
        """
        blurred_half_res = F.interpolate(blurred, scale_factor=0.5)
        maps, maps_half_res = self.segmentation(blurred, blurred_half_res)
        restored, restored_half_res, first_stage = self.deblurring(blurred, blurred_half_res, maps)
        confidences = None
        if target is not None:
            masks = maps.split(1, dim=1)
            confidences = torch.stack([self.confidence(restored * mask, target * mask) for mask in masks], dim=1)
        return UMSNOutput(restored, restored_half_res, first_stage, maps, maps_half_res, confidences)
