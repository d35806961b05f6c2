"""Batch normalization, with the way that released programs use it at inference as a switch."""

from torch import Tensor, nn
from torch.nn import functional as F


class BatchNorm(nn.BatchNorm2d):
    """Batch normalization that in evaluation mode can use each image's own statistics.

    The released programs of DeblurGAN-v2 and UMSN run networks in training mode, one image at a time, so that the
    statistics of that image take the place of those collected in training. ``image_statistics`` gives what they
    compute for each image of a batch by itself; nothing is updated.

    Args:
        channels: Of the features.
        epsilon: Added to the variance.
        image_statistics: Whether evaluation uses each image's own statistics.
    """

    def __init__(self, channels: int, *, epsilon: float = 1e-5, image_statistics: bool = False) -> None:
        super().__init__(channels, eps=epsilon)
        self.image_statistics = image_statistics

    def forward(self, features: Tensor) -> Tensor:
        """Normalize ``(B, C, H, W)``."""
        if self.training or not self.image_statistics:
            return super().forward(features)
        return F.instance_norm(features, weight=self.weight, bias=self.bias, eps=self.eps)
