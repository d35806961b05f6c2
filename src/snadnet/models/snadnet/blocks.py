"""Building blocks of the generator: the paper's own, and gated ones for small budgets."""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.layers.blocks import ChannelNorm, GatedFeedForward, GatedMixing, ResidualUnit
from snadnet.models.layers.former_keys import accept_former_keys
from snadnet.models.layers.graph_forms import convolve_to_parts
from snadnet.models.snadnet.snad import Normalization, SNADLayer

_RGB: Final = 3


class ResidualBlock(nn.Sequential):
    """The encoder's ResBlock "with two residuals" (paper, II-B): two residual units in a row."""

    def __init__(self, channels: int) -> None:
        super().__init__(ResidualUnit(channels), ResidualUnit(channels))


def _zero(convolution: nn.Conv2d) -> None:
    """Make a residual branch's last convolution zero, so that the block starts as the identity."""
    nn.init.zeros_(convolution.weight)
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)


class GatedBlock(nn.Module):
    """A light ResBlock: its two residuals are gated spatial mixing and a gated feed-forward."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mixing_norm = ChannelNorm(channels)
        self.mixing = GatedMixing(channels)
        self.feed_forward_norm = ChannelNorm(channels)
        self.feed_forward = GatedFeedForward(channels)
        _zero(self.mixing.project)
        _zero(self.feed_forward.project)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape."""
        features = features + self.mixing(self.mixing_norm(features))
        mixed: Tensor = features + self.feed_forward(self.feed_forward_norm(features))
        return mixed


class GatedSNADBlock(nn.Module):
    """A gated block whose spatial mixing sees its features through a SNAD layer.

    The identity path around the layer carries what normalization takes away (means and contrasts of the regions);
    the paper's own block (``SNADBlock``) has no such path. Without normalization it is a plain gated block.
    """

    def __init__(self, channels: int, *, hidden: int, normalization: Normalization) -> None:
        super().__init__()
        self.mixing_norm = ChannelNorm(channels) if normalization == "none" else nn.Identity()
        self.snad = SNADLayer(channels, hidden=hidden, kernel_size=1, normalization=normalization)
        self.mixing = GatedMixing(channels)
        self.feed_forward_norm = ChannelNorm(channels)
        self.feed_forward = GatedFeedForward(channels)
        _zero(self.mixing.project)
        _zero(self.feed_forward.project)

    def forward(self, features: Tensor, parsing: Tensor | None) -> Tensor:
        """Map ``(B, C, H, W)`` features, with class probabilities ``(B, 19, H, W)``, to the same shape."""
        features = features + self.mixing(self.snad(self.mixing_norm(features), parsing))
        mixed: Tensor = features + self.feed_forward(self.feed_forward_norm(features))
        return mixed


class SNADBlock(nn.Module):
    """The paper's SNAD block (II-C, Fig. 3c), which also doubles the resolution.

    ``a = conv(relu(SNAD(F, P)))`` twice; ``y = concat(a, SNAD(F, P))``; ``out = conv(deconv_x2(relu(y)))``. Without
    normalization ``SNAD(F, P)`` is ``F``.
    """

    def __init__(self, channels: int, out_channels: int, *, hidden: int, normalization: Normalization) -> None:
        super().__init__()
        self.first = SNADLayer(channels, hidden=hidden, normalization=normalization)
        self.first_conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = SNADLayer(channels, hidden=hidden, normalization=normalization)
        self.second_conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.side = SNADLayer(channels, hidden=hidden, normalization=normalization)
        self.deconv = nn.ConvTranspose2d(2 * channels, out_channels, 4, stride=2, padding=1)
        self.out_conv = nn.Conv2d(out_channels, out_channels, 3, padding=1)

    def forward(self, features: Tensor, parsing: Tensor | None) -> Tensor:
        """Map ``(B, C, H, W)`` features, with ``(B, 19, H, W)`` probabilities, to ``(B, C_out, 2H, 2W)``."""
        main = self.first_conv(F.relu(self.first(features, parsing)))
        main = self.second_conv(F.relu(self.second(main, parsing)))
        joined = torch.cat((main, self.side(features, parsing)), dim=1)
        upsampled: Tensor = self.out_conv(self.deconv(F.relu(joined)))
        return upsampled


class GatedSNADStage(nn.Module):
    """Gated SNAD blocks at one resolution, then a doubling of the resolution by pixel shuffle.

    ``out_channels`` of ``None`` keeps the resolution.
    """

    def __init__(
        self, channels: int, out_channels: int | None, *, depth: int, hidden: int, normalization: Normalization
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            GatedSNADBlock(channels, hidden=hidden, normalization=normalization) for _ in range(depth)
        )
        self.upsample = (
            nn.Identity()
            if out_channels is None
            else nn.Sequential(nn.Conv2d(channels, 4 * out_channels, 1, bias=False), nn.PixelShuffle(2))
        )
        accept_former_keys(self, raise_resolution="upsample")

    def forward(self, features: Tensor, parsing: Tensor | None) -> Tensor:
        """Map ``(B, C, H, W)``, with ``(B, 19, H, W)`` probabilities, to ``(B, C_out, 2H, 2W)``."""
        for block in self.blocks:
            features = block(features, parsing)
        upsampled: Tensor = self.upsample(features)
        return upsampled


class TextureEnhancement(nn.Module):
    """Predict the target's texture and a residual from decoder features (paper, II-D, Fig. 5).

    Args:
        channels: Of the features.
        hidden: Channels between the two convolutions.
        kernel_size: Of the second convolution; the first is 3 x 3. The paper states no sizes.
    """

    def __init__(self, channels: int, *, hidden: int, kernel_size: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, hidden, 3, padding=1)
        self.second = nn.Conv2d(hidden, _RGB + channels, kernel_size, padding=kernel_size // 2)
        _zero(self.second)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the enhanced features ``F + F_t`` ``(B, C, H, W)`` and the texture ``t'_G`` ``(B, 3, H, W)``."""
        hidden = F.relu(self.first(features))
        texture, change = convolve_to_parts(hidden, [_RGB, features.shape[1]], self.second)
        return features + change, texture
