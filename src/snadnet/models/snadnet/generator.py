"""The deblurring generator: a LinkNet whose decoder is conditioned on the parsing map (paper, II-B)."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.layers.graph_forms import convolve_unshuffled, in_blocks
from snadnet.models.snadnet.blocks import (
    GatedBlock,
    GatedSNADStage,
    ResidualBlock,
    SNADBlock,
    TextureEnhancement,
)
from snadnet.models.snadnet.snad import Normalization, resize_parsing
from snadnet.models.wiener import REGULARIZATIONS

TEXTURE_STAGES = 3
"""Texture enhancement works at 1, 1/2 and 1/4 of the working resolution (II-D), never on the lowest level."""


@dataclass(frozen=True)
class GeneratorConfig:
    """Configuration of a generator.

    Fields marked "choice" are open points of the paper (docs/research/paper.md, Generator).

    Attributes:
        widths: Channels of each level, from the working resolution down; every level halves the resolution.
        encoder_depths: Residual blocks of each level.
        decoder_depths: SNAD blocks of each level, the first of them (the working resolution) only for ``"gated"``
            blocks; the paper's block is one a level and doubles the resolution itself.
        block: ``"paper"``: residual blocks and the SNAD block of Fig. 3; ``"gated"``: gated blocks with an
            un-normalized path, for small budgets.
        unshuffle: The image is folded by this factor before the first convolution (choice).
        residual_output: The network predicts what is to be added to the blurred input (choice).
        soft_parsing: ``P_t`` is taken as probabilities; else its argmax, one-hot (choice).
        guidance_width: Channels between the convolutions of the adaptive denormalization.
        normalization: Of the SNAD layers; other than ``"separable"`` for ablations. ``"none"`` is a decoder without
            SNAD layers, which needs no parsing map.
        texture: Whether the decoder has texture enhancement.
        deconvolved_channels: Channels of deconvolved images that the generator takes beside the blurred one, at its
            working resolution; beyond the paper.
        refinement_pass: The generator runs twice, the second time with its first result as a further input; beyond
            the paper.
    """

    widths: tuple[int, ...]
    encoder_depths: tuple[int, ...]
    decoder_depths: tuple[int, ...]
    block: Literal["paper", "gated"]
    unshuffle: int
    residual_output: bool
    guidance_width: int
    soft_parsing: bool = True
    normalization: Normalization = "separable"
    texture: bool = True
    deconvolved_channels: int = 0
    refinement_pass: bool = False

    @property
    def size_multiple(self) -> int:
        """Height and width of the input must be multiples of this."""
        return int(self.unshuffle * 2 ** (len(self.widths) - 1))


class GeneratorOutput(NamedTuple):
    """The generator's outputs for a batch.

    Attributes:
        restored: ``(B, 3, H, W)``, about ``[0, 1]``, not clamped.
        textures: Predicted textures ``t'_G`` of the target, ``(B, 3, h, w)`` each, from the lowest resolution up.
    """

    restored: Tensor
    textures: tuple[Tensor, ...]


class Generator(nn.Module):
    """Encoder of residual blocks, decoder of SNAD blocks, links by addition, texture enhancement.

    Guarantees: input RGB in ``[0, 1]`` with sides a multiple of ``config.size_multiple``; output of the same size.
    With ``residual_output`` an untrained generator returns its input unchanged.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        levels = len(config.widths)
        if not levels == len(config.encoder_depths) == len(config.decoder_depths):
            raise ValueError("widths, encoder_depths and decoder_depths must have one entry a level")
        self.config = config
        gated = config.block == "gated"
        widths = config.widths
        block = GatedBlock if gated else ResidualBlock
        folded = 3 * config.unshuffle**2
        inputs = folded * (2 if config.refinement_pass else 1) + config.deconvolved_channels
        self.stem = nn.Conv2d(inputs, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(
            nn.Sequential(*(block(width) for _ in range(depth)))
            for width, depth in zip(widths, config.encoder_depths, strict=True)
        )
        down_kernel = 2 if gated else 3
        self.down = nn.ModuleList(
            nn.Conv2d(wide, wider, down_kernel, stride=2, padding=(down_kernel - 1) // 2)
            for wide, wider in pairwise(widths)
        )
        self.decoder = nn.ModuleList(self._decoder_stage(level) for level in range(levels))
        self.texture = nn.ModuleList(
            TextureEnhancement(width, hidden=width // 2 if gated else width, kernel_size=1 if gated else 3)
            for width in widths[:-1][: TEXTURE_STAGES if config.texture else 0]
        )
        self.head = nn.Conv2d(widths[0], folded, 3, padding=1)
        if config.residual_output:
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def _decoder_stage(self, level: int) -> nn.Module:
        config = self.config
        width = config.widths[level]
        out = config.widths[level - 1] if level else None
        if config.block == "gated":
            return GatedSNADStage(
                width,
                out,
                depth=config.decoder_depths[level],
                hidden=config.guidance_width,
                normalization=config.normalization,
            )
        if out is None:
            return nn.Identity()
        return SNADBlock(width, out, hidden=config.guidance_width, normalization=config.normalization)

    def _guidance(self, parsing: Tensor | None) -> list[Tensor] | list[None]:
        """The parsing map at the size of each level."""
        if parsing is None:
            return [None] * len(self.config.widths)
        if not self.config.soft_parsing:
            classes = parsing.shape[1]
            parsing = F.one_hot(parsing.argmax(dim=1), classes).movedim(-1, 1).to(parsing.dtype)
        guidance = [resize_parsing(parsing, self.config.unshuffle)]
        for _ in self.config.widths[1:]:
            guidance.append(resize_parsing(guidance[-1], 2))
        return guidance

    def forward(
        self,
        blurred: Tensor,
        parsing: Tensor | None,
        deconvolved: Tensor | None = None,
        previous: Tensor | None = None,
    ) -> GeneratorOutput:
        """Restore a batch.

        Args:
            blurred: ``(B, 3, H, W)`` RGB in ``[0, 1]``, sides multiples of ``config.size_multiple``.
            parsing: ``P_t``, class probabilities ``(B, 19, H, W)``; None for a generator without SNAD layers.
            deconvolved: Deconvolved images, ``(B, config.deconvolved_channels, H / unshuffle, W / unshuffle)``;
                None if there are no such channels.
            previous: The result of the first pass, of the shape of ``blurred``, or ``blurred`` itself in the first
                pass; None for a generator without a refinement pass.
        """
        features, textures = self.decode(blurred, parsing, deconvolved, previous)
        restored = F.pixel_shuffle(self.head(features), self.config.unshuffle)
        if self.config.residual_output:
            restored = blurred + restored
        return GeneratorOutput(restored, textures)

    def decode(
        self, blurred: Tensor, parsing: Tensor | None, deconvolved: Tensor | None, previous: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the last features ``(B, widths[0], H / unshuffle, W / unshuffle)``, and the textures; see above."""
        guidance = self._guidance(parsing)
        images = blurred if previous is None else torch.cat((blurred, previous), dim=1)
        features = convolve_unshuffled(images, self.config.unshuffle, self.stem, beside=deconvolved)
        links = []
        for level, stage in enumerate(self.encoder):
            features = stage(features)
            links.append(features)
            if level < len(self.down):
                features = self.down[level](features)
        textures = []
        for level in reversed(range(len(self.decoder))):
            if level < len(self.decoder) - 1:
                features = in_blocks(features) + links[level]
            if level < len(self.texture):
                features, texture = self.texture[level](features)
                textures.append(texture)
            stage = self.decoder[level]
            features = stage(features) if isinstance(stage, nn.Identity) else stage(features, guidance[level])
        return features, tuple(textures)


SMALL = GeneratorConfig(
    widths=(32, 64, 128, 256),
    encoder_depths=(0, 2, 2, 4),
    decoder_depths=(0, 2, 2, 2),
    block="gated",
    unshuffle=2,
    residual_output=True,
    guidance_width=16,
    deconvolved_channels=3 * len(REGULARIZATIONS),
    refinement_pass=True,
)
# The same cost as SMALL without a level at half resolution.
SMALL_UNSHUFFLE_4 = replace(
    SMALL,
    unshuffle=4,
    widths=(64, 128, 256),
    encoder_depths=(2, 2, 4),
    decoder_depths=(2, 2, 2),
    deconvolved_channels=0,
    refinement_pass=False,
)
# The paper's blocks at the cost of SMALL; like it, and unlike the paper, with an unshuffle and a residual output.
SMALL_PAPER = GeneratorConfig(
    widths=(24, 48, 96, 128),
    encoder_depths=(1, 1, 1, 1),
    decoder_depths=(0, 1, 1, 1),
    block="paper",
    unshuffle=2,
    residual_output=True,
    guidance_width=16,
)
BASE = GeneratorConfig(
    widths=(64, 128, 256, 512),
    encoder_depths=(1, 1, 1, 1),
    decoder_depths=(0, 1, 1, 1),
    block="paper",
    unshuffle=1,
    residual_output=False,
    guidance_width=128,
)
# BASE in a tenth of its width, at the cost of the other "-tiny" networks.
TINY = replace(BASE, widths=(6, 12, 24, 48), guidance_width=8)


def without(config: GeneratorConfig, normalization: Normalization) -> GeneratorConfig:
    """Return the generator of a row of the paper's Table III: no texture enhancement, and another normalization."""
    return replace(config, normalization=normalization, texture=False)
