"""DeblurGAN's generator (Kupyn et al. 2018, section 3.2 and Fig. 3): two strides down, residual blocks, two up."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DROPOUT: Final = 0.5
_INITIAL_DEVIATION: Final = 0.02


@dataclass(frozen=True)
class GeneratorConfig:
    """Configuration of a generator.

    Attributes:
        width: Channels at full resolution; they double twice on the way down.
        blocks: Residual blocks at a quarter of the resolution.
        single_convolution: Residual blocks end after their first ReLU and dropout, as a slip in the released code has
            it since 2019; the paper and the published weights have two convolutions.
        inference_dropout: Dropout stays active in evaluation mode, as in the released test program, so that two runs
            on one image differ.
    """

    width: int = 64
    blocks: int = 9
    single_convolution: bool = False
    inference_dropout: bool = False


def initialize_convolutions(network: nn.Module) -> None:
    """Draw the weights of all convolutions from N(0, 0.02) and set their biases to 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, _INITIAL_DEVIATION)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class ConvNormRelu(nn.Sequential):
    """A convolution, instance normalization by each image's own statistics, and ReLU."""

    def __init__(self, convolution: nn.Conv2d | nn.ConvTranspose2d) -> None:
        super().__init__(convolution, nn.InstanceNorm2d(convolution.out_channels), nn.ReLU(inplace=True))


class ResidualBlock(nn.Module):
    """Two reflection-padded convolutions with dropout between them; no ReLU after the addition."""

    def __init__(self, channels: int, config: GeneratorConfig) -> None:
        super().__init__()
        self.inference_dropout = config.inference_dropout
        self.first = ConvNormRelu(nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"))
        self.second = (
            None
            if config.single_convolution
            else nn.Sequential(
                nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"), nn.InstanceNorm2d(channels)
            )
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape."""
        residual: Tensor = F.dropout(self.first(features), DROPOUT, training=self.training or self.inference_dropout)
        return features + (residual if self.second is None else self.second(residual))


class Generator(nn.Module):
    """RGB ``(B, 3, H, W)`` in ``[-1, 1]``, sides multiples of 4, to the same.

    The network predicts a residual, which is added to the blurred image (section 3.2, the global skip connection).
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        width = config.width
        self.stem = ConvNormRelu(nn.Conv2d(3, width, 7, padding=3, padding_mode="reflect"))
        self.down = nn.Sequential(
            *(ConvNormRelu(nn.Conv2d(scale * width, 2 * scale * width, 3, stride=2, padding=1)) for scale in (1, 2))
        )
        self.blocks = nn.Sequential(*(ResidualBlock(4 * width, config) for _ in range(config.blocks)))
        self.up = nn.Sequential(
            *(
                ConvNormRelu(
                    nn.ConvTranspose2d(2 * scale * width, scale * width, 3, stride=2, padding=1, output_padding=1)
                )
                for scale in (2, 1)
            )
        )
        self.head = nn.Conv2d(width, 3, 7, padding=3, padding_mode="reflect")
        initialize_convolutions(self)

    def forward(self, blurred: Tensor) -> Tensor:
        """Restore a batch."""
        features = self.up(self.blocks(self.down(self.stem(blurred))))
        return (blurred + torch.tanh(self.head(features))).clamp(-1.0, 1.0)
