"""NAFNet: one U-shaped network whose blocks have no activation functions (Chen et al. 2022)."""

from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.layers.blocks import ChannelNorm, GatedFeedForward, GatedMixing
from snadnet.models.layers.former_keys import accept_former_keys
from snadnet.models.layers.graph_forms import convolve_unshuffled


@dataclass(frozen=True)
class NAFNetConfig:
    """Configuration of a NAFNet. The defaults are those of the authors' GoPro networks.

    Attributes:
        width: Channels at the working resolution; every level below has twice as many.
        encoder_depths: Blocks at the working resolution, at 1/2, 1/4 and so on of it.
        middle_depth: Blocks at the lowest.
        decoder_depths: Blocks of the same levels as the encoder's, from the lowest up.
        unshuffle: The image is folded by this factor first, which sets the working resolution; the authors' is 1.
    """

    width: int
    encoder_depths: tuple[int, ...] = (1, 1, 1, 28)
    middle_depth: int = 1
    decoder_depths: tuple[int, ...] = (1, 1, 1, 1)
    unshuffle: int = 1

    @property
    def size_multiple(self) -> int:
        """Sides that the network works on: every level halves them."""
        return int(self.unshuffle * 2 ** len(self.encoder_depths))


NAFNET_32: Final = NAFNetConfig(32)
NAFNET_64: Final = NAFNetConfig(64)
NAFNET_TINY: Final = NAFNetConfig(9)
"""The same topology at about 0.5 GMACs for 160 x 160 px."""

NAFNET_SMALL: Final = NAFNetConfig(40, encoder_depths=(1, 2, 3), middle_depth=4, decoder_depths=(2, 2, 1), unshuffle=2)
"""NAFNet's blocks at the cost of ``snadnet-small-once`` with its conditioning networks, laid out as that is."""

NAFNET_SMALL_56: Final = replace(NAFNET_SMALL, width=56)
"""The same at the cost of ``snadnet-small`` with its refinement pass."""


class NAFBlock(nn.Module):
    """Two residuals, each with a learned scale a channel that starts at zero (paper, Fig. 3c).

    SNADNet's ``GatedBlock`` differs: it has no scales and starts its last convolutions at zero instead.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mixing_norm = ChannelNorm(channels)
        self.mixing = GatedMixing(channels)
        self.mixing_scale = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.feed_forward_norm = ChannelNorm(channels)
        self.feed_forward = GatedFeedForward(channels)
        self.feed_forward_scale = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape."""
        features = features + self.mixing_scale * self.mixing(self.mixing_norm(features))
        mixed: Tensor = features + self.feed_forward_scale * self.feed_forward(self.feed_forward_norm(features))
        return mixed


def _blocks(channels: int, depth: int) -> nn.Sequential:
    return nn.Sequential(*(NAFBlock(channels) for _ in range(depth)))


class NAFNet(nn.Module):
    """Restores ``(B, 3, H, W)`` RGB in ``[0, 1]``, sides multiples of ``config.size_multiple``, as a residual.

    The authors' test configuration replaces the global average of the channel attention by one over windows of 1.5
    times the training size (384 px), which changes nothing for faces up to that size; here it is always global.

    At the border: the authors' program pads at the right and bottom with zeros, here ``Restorer`` pads by reflection,
    which invents no dark edge; with random weights the results differ by up to 0.18 near that edge, and not at all for
    sides that are multiples of ``config.size_multiple``. The authors round to 8 bits, as is done here.

    For training (``training/recipes/regression.py``): the authors always clip the gradient's norm to 0.01.
    """

    def __init__(self, config: NAFNetConfig) -> None:
        super().__init__()
        width = config.width
        folded = 3 * config.unshuffle**2
        self.unshuffle = config.unshuffle
        self.intro = nn.Conv2d(folded, width, 3, padding=1)
        self.encoder = nn.ModuleList()
        self.downsample = nn.ModuleList()
        for depth in config.encoder_depths:
            self.encoder.append(_blocks(width, depth))
            self.downsample.append(nn.Conv2d(width, 2 * width, 2, stride=2))
            width *= 2
        self.middle = _blocks(width, config.middle_depth)
        self.upsample = nn.ModuleList()
        self.decoder = nn.ModuleList()
        for depth in config.decoder_depths:
            # Pixel shuffling turns twice the channels into half of them at twice the resolution.
            self.upsample.append(nn.Sequential(nn.Conv2d(width, 2 * width, 1, bias=False), nn.PixelShuffle(2)))
            width //= 2
            self.decoder.append(_blocks(width, depth))
        self.ending = nn.Conv2d(width, folded, 3, padding=1)
        accept_former_keys(self, lower="downsample", higher="upsample")

    def forward(self, blurred: Tensor) -> Tensor:
        """Return the restored image ``(B, 3, H, W)``, about ``[0, 1]``, not clamped."""
        features = convolve_unshuffled(blurred, self.unshuffle, self.intro)
        skips = []
        for blocks, downsample in zip(self.encoder, self.downsample, strict=True):
            features = blocks(features)
            skips.append(features)
            features = downsample(features)
        features = self.middle(features)
        for upsample, blocks in zip(self.upsample, self.decoder, strict=True):
            features = blocks(upsample(features) + skips.pop())
        restored: Tensor = blurred + F.pixel_shuffle(self.ending(features), self.unshuffle)
        return restored
