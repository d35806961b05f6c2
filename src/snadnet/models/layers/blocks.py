"""Building blocks that more than one network is made of.

The plain residual unit is SNADNet's and DMPHN's. ``ChannelNorm``, ``GatedMixing`` and
``GatedFeedForward`` are the parts of NAFNet's block (Chen et al. 2022, Simple Baselines for Image Restoration,
Fig. 3c), which SNADNet's gated blocks are made of too.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.layers.graph_forms import convolve_to_parts


class ResidualUnit(nn.Module):
    """``x + conv(relu(conv(x)))`` with 3 x 3 convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape."""
        residual: Tensor = self.second(F.relu(self.first(features)))
        return features + residual


class ChannelNorm(nn.Module):
    """Layer normalization over the channels of each pixel, with a learned affine."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=1e-6)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape."""
        normalized: Tensor = self.norm(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return normalized


class GatedMixing(nn.Module):
    """Depthwise spatial mixing, a multiplicative gate and channel attention: the block's first half."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(channels, 2 * channels, 1)
        self.depthwise = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1, groups=2 * channels)
        self.attention = nn.Conv2d(channels, channels, 1)
        self.project = nn.Conv2d(channels, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape."""
        left, right = convolve_to_parts(features, [features.shape[1]] * 2, self.expand, self.depthwise)
        gated = left * right
        projected: Tensor = self.project(gated * self.attention(gated.mean(dim=(2, 3), keepdim=True)))
        return projected


class GatedFeedForward(nn.Module):
    """Two 1 x 1 convolutions with a multiplicative gate between them: the block's second half."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(channels, 2 * channels, 1)
        self.project = nn.Conv2d(channels, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape."""
        left, right = convolve_to_parts(features, [features.shape[1]] * 2, self.expand)
        projected: Tensor = self.project(left * right)
        return projected
