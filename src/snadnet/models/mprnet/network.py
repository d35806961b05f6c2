"""MPRNet: two U-shaped stages on tiles and halves, and a third at the original resolution."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from snadnet.models.layers.former_keys import accept_former_keys
from snadnet.models.layers.tiles import Grid, join_tiles, split_tiles
from snadnet.models.mprnet.blocks import (
    AttentionBlock,
    AttentionBlocks,
    CrossStageFusion,
    Resize,
    ShallowFeatures,
    SupervisedAttention,
    convolution,
)

SIZE_MULTIPLE: Final = 8
"""Sides that MPRNet works on: halves of the image are halved twice more."""

_QUADRANTS: Final = Grid(2, 2)
_HALVES: Final = Grid(2, 1)
_INITIAL_SLOPE: Final = 0.25
_LEVEL_DEPTH: Final = 2

Levels = tuple[Tensor, Tensor, Tensor]
"""Features at full, 1/2 and 1/4 resolution."""


@dataclass(frozen=True)
class MPRNetConfig:
    """Configuration of an MPRNet. The defaults are the paper's deblurring network.

    Attributes:
        width: Channels at full resolution in the first two stages.
        width_step: How many more each halving of the resolution brings.
        original_resolution_extra: How many more than ``width`` the third stage has.
        blocks: Channel attention blocks in each of the third stage's three groups.
        reduction: Factor by which channel attention narrows in between.
    """

    width: int = 96
    width_step: int = 48
    original_resolution_extra: int = 32
    blocks: int = 8
    reduction: int = 4

    @property
    def widths(self) -> tuple[int, int, int]:
        """Channels at full, 1/2 and 1/4 resolution."""
        return self.width, self.width + self.width_step, self.width + 2 * self.width_step


MPRNET: Final = MPRNetConfig()
MPRNET_TINY: Final = MPRNetConfig(width=4, width_step=2, original_resolution_extra=1, reduction=1)
"""The same topology at about 0.5 GMACs for 160 x 160 px.

Channel attention is not narrowed: a quarter of so few channels would be a single one, which ReLU shuts off for good.
"""


class MPRNetOutput(NamedTuple):
    """MPRNet's outputs for a batch: the images ``(B, 3, H, W)`` of its stages, about ``[0, 1]``, not clamped.

    Attributes:
        restored: The third and last stage's image.
        second: The second stage's.
        first: The first stage's.
    """

    restored: Tensor
    second: Tensor
    first: Tensor

    @property
    def supervised(self) -> tuple[Tensor, ...]:
        """All stages' images, each of which training compares with the sharp one (paper, section 3, Eq. 1)."""
        return tuple(self)


class Encoder(nn.Module):
    """Three levels of channel attention blocks, each at half the resolution of the one before."""

    def __init__(self, config: MPRNetConfig, *, fuses: bool) -> None:
        super().__init__()
        widths = config.widths
        self.levels = nn.ModuleList(AttentionBlocks(width, config.reduction, depth=_LEVEL_DEPTH) for width in widths)
        self.downsample = nn.ModuleList(Resize(widths[level], widths[level + 1], 0.5) for level in range(2))
        self.fusion = CrossStageFusion(widths) if fuses else None
        accept_former_keys(self, lower="downsample")

    def forward(self, features: Tensor, slope: Tensor, former: tuple[Levels, Levels] | None = None) -> Levels:
        """Map ``(B, C, H, W)`` to three levels; ``former`` holds the former stage's encoder's and decoder's levels."""
        levels = []
        for level, blocks in enumerate(self.levels):
            features = blocks(self.downsample[level - 1](features) if level else features, slope)
            if self.fusion is not None and former is not None:
                features = features + self.fusion(level, former[0][level], former[1][level])
            levels.append(features)
        return levels[0], levels[1], levels[2]


class Decoder(nn.Module):
    """The way back up, with a channel attention block on each of the encoder's features that it takes over."""

    def __init__(self, config: MPRNetConfig) -> None:
        super().__init__()
        widths = config.widths
        self.levels = nn.ModuleList(AttentionBlocks(width, config.reduction, depth=_LEVEL_DEPTH) for width in widths)
        self.upsample = nn.ModuleList(Resize(widths[level + 1], widths[level], 2.0) for level in range(2))
        self.skips = nn.ModuleList(AttentionBlock(width, config.reduction) for width in widths[:2])
        accept_former_keys(self, higher="upsample")

    def forward(self, encoded: Levels, slope: Tensor) -> Levels:
        """Map the encoder's levels to the decoder's, finest first."""
        coarse: Tensor = self.levels[2](encoded[2], slope)
        middle: Tensor = self.levels[1](self.upsample[1](coarse) + self.skips[1](encoded[1], slope), slope)
        fine: Tensor = self.levels[0](self.upsample[0](middle) + self.skips[0](encoded[0], slope), slope)
        return fine, middle, coarse


class OriginalResolutionBlock(nn.Module):
    """Channel attention blocks and a convolution around which the features pass (ORB)."""

    def __init__(self, channels: int, config: MPRNetConfig) -> None:
        super().__init__()
        self.blocks = AttentionBlocks(channels, config.reduction, depth=config.blocks)
        self.conv = convolution(channels, channels, 3)

    def forward(self, features: Tensor, slope: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape."""
        residual: Tensor = self.conv(self.blocks(features, slope))
        return features + residual


class OriginalResolutionNetwork(nn.Module):
    """The third stage's body (ORSNet; paper, section 3.1): never reduced, fed by every level of the second stage."""

    def __init__(self, config: MPRNetConfig) -> None:
        super().__init__()
        fine, middle, coarse = config.widths
        channels = fine + config.original_resolution_extra
        self.blocks = nn.ModuleList(OriginalResolutionBlock(channels, config) for _ in range(3))
        self.upsample_encoded = self._upsample(fine, middle, coarse)
        self.upsample_decoded = self._upsample(fine, middle, coarse)
        self.from_encoder = nn.ModuleList(convolution(fine, channels, 1) for _ in range(3))
        self.from_decoder = nn.ModuleList(convolution(fine, channels, 1) for _ in range(3))
        accept_former_keys(self, raise_encoded="upsample_encoded", raise_decoded="upsample_decoded")

    @staticmethod
    def _upsample(fine: int, middle: int, coarse: int) -> nn.ModuleList:
        """Bring each level to full resolution and to the finest level's channels."""
        from_coarse = nn.Sequential(Resize(coarse, middle, 2.0), Resize(middle, fine, 2.0))
        return nn.ModuleList((nn.Identity(), Resize(middle, fine, 2.0), from_coarse))

    def forward(self, features: Tensor, encoded: Levels, decoded: Levels, slope: Tensor) -> Tensor:
        """Map ``(B, C, H, W)``, with the second stage's levels, to the same shape."""
        for level, block in enumerate(self.blocks):
            features = (
                block(features, slope)
                + self.from_encoder[level](self.upsample_encoded[level](encoded[level]))
                + self.from_decoder[level](self.upsample_decoded[level](decoded[level]))
            )
        return features


def _regroup(levels: Levels, grid: Grid, other: Grid | None) -> Levels:
    """Join the tiles of every level and cut them into another grid, or leave them whole."""

    def regroup(tiles: Tensor) -> Tensor:
        whole = join_tiles(tiles, grid)
        return whole if other is None else split_tiles(whole, other)

    fine, middle, coarse = levels
    return regroup(fine), regroup(middle), regroup(coarse)


class MPRNet(nn.Module):
    """Restores ``(B, 3, H, W)`` RGB in ``[0, 1]``, sides multiples of ``SIZE_MULTIPLE`` (paper, section 3, Fig. 2).

    The first stage encodes quadrants and decodes halves, the second encodes halves and decodes the whole, the third
    works on the whole. A stage's tiles share their weights, so they go as one batch.
    """

    def __init__(self, config: MPRNetConfig = MPRNET) -> None:
        super().__init__()
        width, reduction = config.width, config.reduction
        third_width = width + config.original_resolution_extra
        self.slope = nn.Parameter(torch.full((1,), _INITIAL_SLOPE))
        self.shallow = nn.ModuleList(ShallowFeatures(width, reduction) for _ in range(3))
        self.encoders = nn.ModuleList(Encoder(config, fuses=fuses) for fuses in (False, True))
        self.decoders = nn.ModuleList(Decoder(config) for _ in range(2))
        self.attentions = nn.ModuleList(SupervisedAttention(width) for _ in range(2))
        self.join_second = convolution(2 * width, width, 3)
        self.join_third = convolution(2 * width, third_width, 3)
        self.original_resolution = OriginalResolutionNetwork(config)
        self.tail = convolution(third_width, 3, 3)

    def forward(self, blurred: Tensor) -> MPRNetOutput:
        """Restore ``(B, 3, H, W)``."""
        slope = self.slope
        halves = split_tiles(blurred, _HALVES)

        encoded = self.encoders[0](self.shallow[0](split_tiles(blurred, _QUADRANTS), slope), slope)
        encoded = _regroup(encoded, _QUADRANTS, _HALVES)
        decoded = self.decoders[0](encoded, slope)
        attended, first = self.attentions[0](decoded[0], halves)

        features = self.join_second(torch.cat((self.shallow[1](halves, slope), attended), dim=1))
        encoded = _regroup(self.encoders[1](features, slope, (encoded, decoded)), _HALVES, None)
        decoded = self.decoders[1](encoded, slope)
        attended, second = self.attentions[1](decoded[0], blurred)

        features = self.join_third(torch.cat((self.shallow[2](blurred, slope), attended), dim=1))
        third = blurred + self.tail(self.original_resolution(features, encoded, decoded, slope))
        return MPRNetOutput(third, second, join_tiles(first, _HALVES))
