"""DMPHN: every level works on half as many tiles as the one below it and corrects what that left over."""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from torch import Tensor, nn

from snadnet.models.layers.blocks import ResidualUnit
from snadnet.models.layers.tiles import Grid, join_tiles, split_tiles

_GRIDS: Final = (Grid(1, 1), Grid(2, 1), Grid(2, 2), Grid(4, 2))
_ENCODER_STRIDE: Final = 4


@dataclass(frozen=True)
class DMPHNConfig:
    """Configuration of a DMPHN.

    Attributes:
        levels: 3 is DMPHN(1-2-4), 4 is DMPHN(1-2-4-8): the numbers of tiles.
        widths: Channels at full, 1/2 and 1/4 resolution.
    """

    levels: int
    widths: tuple[int, int, int] = (32, 64, 128)

    def __post_init__(self) -> None:
        """Refuse what no grid of tiles is known for."""
        if not 1 <= self.levels <= len(_GRIDS):
            raise ValueError(f"levels is {self.levels}; give 1 to {len(_GRIDS)}")

    @property
    def size_multiples(self) -> tuple[int, int]:
        """Heights and widths that the network works on: every tile must be halved twice."""
        grid = _GRIDS[self.levels - 1]
        return grid.rows * _ENCODER_STRIDE, grid.columns * _ENCODER_STRIDE


DMPHN_1_2_4: Final = DMPHNConfig(3)
DMPHN_1_2_4_8: Final = DMPHNConfig(4)
DMPHN_1_2_4_TINY: Final = DMPHNConfig(3, (5, 10, 20))
DMPHN_1_2_4_8_TINY: Final = DMPHNConfig(4, (4, 9, 18))
"""The same topologies at about 0.5 GMACs for 160 x 160 px."""


class DMPHNOutput(NamedTuple):
    """DMPHN's outputs for a batch.

    Attributes:
        restored: ``(B, 3, H, W)``, about ``[-0.5, 0.5]``, not clamped.
        residuals: What each level below the first adds to the next one's input, ``(B, 3, H, W)`` each, the level
            with the most tiles first.
    """

    restored: Tensor
    residuals: tuple[Tensor, ...]


def _stage(channels: int) -> nn.Sequential:
    return nn.Sequential(ResidualUnit(channels), ResidualUnit(channels))


class Encoder(nn.Sequential):
    """Images ``(B, 3, H, W)`` to features ``(B, C, H / 4, W / 4)``; no activation outside the residual units."""

    def __init__(self, widths: tuple[int, int, int]) -> None:
        fine, middle, coarse = widths
        super().__init__(
            nn.Conv2d(3, fine, 3, padding=1),
            _stage(fine),
            nn.Conv2d(fine, middle, 3, stride=2, padding=1),
            _stage(middle),
            nn.Conv2d(middle, coarse, 3, stride=2, padding=1),
            _stage(coarse),
        )


class Decoder(nn.Sequential):
    """Features ``(B, C, H / 4, W / 4)`` to images ``(B, 3, H, W)``, linear at its end."""

    def __init__(self, widths: tuple[int, int, int]) -> None:
        fine, middle, coarse = widths
        super().__init__(
            _stage(coarse),
            nn.ConvTranspose2d(coarse, middle, 4, stride=2, padding=1),
            _stage(middle),
            nn.ConvTranspose2d(middle, fine, 4, stride=2, padding=1),
            _stage(fine),
            nn.Conv2d(fine, 3, 3, padding=1),
        )


def _initialize(module: nn.Module) -> None:
    """Half of He's deviation by the outgoing connections, as the authors train from."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        assert module.bias is not None
        fan_out = module.out_channels * module.kernel_size[0] * module.kernel_size[1]
        nn.init.normal_(module.weight, std=0.5 * math.sqrt(2.0 / fan_out))
        nn.init.zeros_(module.bias)


class DMPHN(nn.Module):
    """Restores ``(B, 3, H, W)`` RGB in ``[-0.5, 0.5]``, sides multiples of ``config.size_multiples``.

    A level encodes its tiles, joins the features of two neighbours, and decodes them on the tiles of the level above
    (paper, section 3, Fig. 2). The tiles of a level share one encoder and one decoder, so they go as one batch. The
    first level predicts the image itself; no input is added to it.
    """

    def __init__(self, config: DMPHNConfig) -> None:
        super().__init__()
        self.grids = _GRIDS[: config.levels]
        self.encoders = nn.ModuleList(Encoder(config.widths) for _ in self.grids)
        self.decoders = nn.ModuleList(Decoder(config.widths) for _ in self.grids)
        self.apply(_initialize)

    def forward(self, blurred: Tensor) -> DMPHNOutput:
        """Restore ``(B, 3, H, W)``."""
        features = residual = None
        outputs: list[Tensor] = []
        for level in reversed(range(len(self.grids))):
            grid, joined_grid = self.grids[level], self.grids[max(level - 1, 0)]
            corrected = blurred if residual is None else blurred + residual
            encoded = join_tiles(self.encoders[level](split_tiles(corrected, grid)), grid)
            features = encoded if features is None else encoded + features
            residual = join_tiles(self.decoders[level](split_tiles(features, joined_grid)), joined_grid)
            outputs.append(residual)
        return DMPHNOutput(outputs[-1], tuple(outputs[:-1]))
