"""MPRNet's building blocks. Every convolution is without bias, and one PReLU slope serves the whole network.

The slope is a single number that the network owns and hands to every block, rather than a module in every block: the
weights file then holds it once.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def convolution(channels: int, out_channels: int, kernel_size: int) -> nn.Conv2d:
    """Return a bias-free convolution that keeps the size."""
    return nn.Conv2d(channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False)


class ChannelAttention(nn.Module):
    """Weigh channels by what their global averages say."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.squeeze = convolution(channels, channels // reduction, 1)
        self.excite = convolution(channels // reduction, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape."""
        averages = features.mean(dim=(2, 3), keepdim=True)
        return features * torch.sigmoid(self.excite(F.relu(self.squeeze(averages))))


class AttentionBlock(nn.Module):
    """The paper's channel attention block (CAB): ``x + attention(conv(prelu(conv(x))))``."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.first = convolution(channels, channels, 3)
        self.second = convolution(channels, channels, 3)
        self.attention = ChannelAttention(channels, reduction)

    def forward(self, features: Tensor, slope: Tensor) -> Tensor:
        """Map ``(B, C, H, W)``, with the PReLU slope ``(1,)``, to the same shape."""
        residual: Tensor = self.attention(self.second(F.prelu(self.first(features), slope)))
        return features + residual


class AttentionBlocks(nn.ModuleList):
    """Channel attention blocks in a row."""

    def __init__(self, channels: int, reduction: int, *, depth: int) -> None:
        super().__init__(AttentionBlock(channels, reduction) for _ in range(depth))

    def forward(self, features: Tensor, slope: Tensor) -> Tensor:
        """Map ``(B, C, H, W)``, with the PReLU slope ``(1,)``, to the same shape."""
        for block in self:
            features = block(features, slope)
        return features


class ShallowFeatures(nn.Module):
    """The first features of a stage: a convolution and one channel attention block."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.conv = convolution(3, channels, 3)
        self.block = AttentionBlock(channels, reduction)

    def forward(self, image: Tensor, slope: Tensor) -> Tensor:
        """Map ``(B, 3, H, W)``, with the PReLU slope ``(1,)``, to ``(B, C, H, W)``."""
        features: Tensor = self.block(self.conv(image), slope)
        return features


class Resize(nn.Module):
    """Bilinear resizing by a factor, then a 1 x 1 convolution to other channels."""

    def __init__(self, channels: int, out_channels: int, factor: float) -> None:
        super().__init__()
        self.factor = factor
        self.conv = convolution(channels, out_channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to ``(B, C_out, factor * H, factor * W)``."""
        resized = F.interpolate(features, scale_factor=self.factor, mode="bilinear", align_corners=False)
        converted: Tensor = self.conv(resized)
        return converted


class SupervisedAttention(nn.Module):
    """The supervised attention module (SAM; paper, section 3.3, Fig. 4) between two stages.

    It predicts the stage's image, which the ground truth supervises, and lets through the features that the image
    attends to.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.features_conv = convolution(channels, channels, 1)
        self.residual_conv = convolution(channels, 3, 1)
        self.attention_conv = convolution(3, channels, 1)

    def forward(self, features: Tensor, blurred: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``(B, C, H, W)`` and the input ``(B, 3, H, W)`` to attended features and the stage's image."""
        predicted: Tensor = self.residual_conv(features) + blurred
        attended = self.features_conv(features) * torch.sigmoid(self.attention_conv(predicted))
        return features + attended, predicted


class CrossStageFusion(nn.Module):
    """Bring a former stage's encoder and decoder features into the encoder (CSFF; paper, section 3.2, Fig. 3)."""

    def __init__(self, widths: Iterable[int]) -> None:
        super().__init__()
        widths = tuple(widths)
        self.from_encoder = nn.ModuleList(convolution(width, width, 1) for width in widths)
        self.from_decoder = nn.ModuleList(convolution(width, width, 1) for width in widths)

    def forward(self, level: int, encoded: Tensor, decoded: Tensor) -> Tensor:
        """Map a level's two maps ``(B, C, H, W)`` to what is added to that level's features."""
        fused: Tensor = self.from_encoder[level](encoded) + self.from_decoder[level](decoded)
        return fused
