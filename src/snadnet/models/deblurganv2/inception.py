"""Inception-ResNet-v2 (Szegedy et al. 2017) up to its reduction to 1/32, with the names of its published weights.

Own code, since the well-known libraries fix the channel counts and the reduced variants here need others.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.layers.batch_normalization import BatchNorm

_EPSILON = 1e-3


class ConvNorm(nn.Module):
    """A bias-free convolution, batch normalization and ReLU; no padding unless stated."""

    def __init__(
        self,
        channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        *,
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
        image_statistics: bool,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out_channels, kernel_size, stride=stride, padding=padding, bias=False)
        self.bn = BatchNorm(out_channels, epsilon=_EPSILON, image_statistics=image_statistics)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to ``(B, C_out, H', W')``."""
        return F.relu(self.bn(self.conv(features)), inplace=True)


class Branches(nn.Module):
    """Parallel branches whose results are concatenated; each is a chain of layers."""

    def __init__(self, *branches: Sequence[nn.Module]) -> None:
        super().__init__()
        self.count = len(branches)
        for index, layers in enumerate(branches):
            self.add_module(f"branch{index}", layers[0] if len(layers) == 1 else nn.Sequential(*layers))

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to ``(B, sum of C_out, H', W')``."""
        return torch.cat([self.get_submodule(f"branch{index}")(features) for index in range(self.count)], dim=1)


class ResidualBranches(Branches):
    """Branches, joined by a 1 x 1 convolution, scaled and added to what came in; then ReLU."""

    def __init__(self, *branches: Sequence[nn.Module], joined: int, channels: int, scale: float) -> None:
        super().__init__(*branches)
        self.conv2d = nn.Conv2d(joined, channels, 1)
        self.scale = scale

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape."""
        return F.relu(features + self.scale * self.conv2d(super().forward(features)))


class InceptionResNetV2(nn.Module):
    """The five feature maps of Inception-ResNet-v2 that DeblurGAN-v2 builds its pyramid on.

    Convolutions are not padded in the stem and the reductions, so that an image of 256 px gives maps of
    127, 62, 29, 14 and 6 px.

    Args:
        width: Factor on all channel counts; it must leave whole numbers.
        image_statistics: See ``BatchNorm``.

    Raises:
        ValueError: If ``width`` does not give whole channel counts.
    """

    def __init__(self, width: float = 1.0, *, image_statistics: bool = False) -> None:
        super().__init__()

        def scaled(channels: int) -> int:
            if channels * width != int(channels * width):
                raise ValueError(f"width {width} does not make {channels} channels a whole number; take eighths")
            return int(channels * width)

        conv = partial(ConvNorm, image_statistics=image_statistics)
        c32, c48, c64, c80, c96 = map(scaled, (32, 48, 64, 80, 96))
        c128, c160, c192, c256, c288, c320, c384 = map(scaled, (128, 160, 192, 256, 288, 320, 384))
        c1088, c2080 = scaled(1088), scaled(2080)
        self.channels = (c32, c64, c192, c1088, c2080)
        self.conv2d_1a = conv(3, c32, 3, stride=2)
        self.conv2d_2a = conv(c32, c32, 3)
        self.conv2d_2b = conv(c32, c64, 3, padding=1)
        self.conv2d_3b = conv(c64, c80, 1)
        self.conv2d_4a = conv(c80, c192, 3)
        self.mixed_5b = Branches(
            [conv(c192, c96, 1)],
            [conv(c192, c48, 1), conv(c48, c64, 5, padding=2)],
            [conv(c192, c64, 1), conv(c64, c96, 3, padding=1), conv(c96, c96, 3, padding=1)],
            [nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False), conv(c192, c64, 1)],
        )
        self.repeat = nn.Sequential(
            *(
                ResidualBranches(
                    [conv(c320, c32, 1)],
                    [conv(c320, c32, 1), conv(c32, c32, 3, padding=1)],
                    [conv(c320, c32, 1), conv(c32, c48, 3, padding=1), conv(c48, c64, 3, padding=1)],
                    joined=c128,
                    channels=c320,
                    scale=0.17,
                )
                for _ in range(10)
            )
        )
        self.mixed_6a = Branches(
            [conv(c320, c384, 3, stride=2)],
            [conv(c320, c256, 1), conv(c256, c256, 3, padding=1), conv(c256, c384, 3, stride=2)],
            [nn.MaxPool2d(3, stride=2)],
        )
        self.repeat_1 = nn.Sequential(
            *(
                ResidualBranches(
                    [conv(c1088, c192, 1)],
                    [
                        conv(c1088, c128, 1),
                        conv(c128, c160, (1, 7), padding=(0, 3)),
                        conv(c160, c192, (7, 1), padding=(3, 0)),
                    ],
                    joined=c384,
                    channels=c1088,
                    scale=0.1,
                )
                for _ in range(20)
            )
        )
        self.mixed_7a = Branches(
            [conv(c1088, c256, 1), conv(c256, c384, 3, stride=2)],
            [conv(c1088, c256, 1), conv(c256, c288, 3, stride=2)],
            [conv(c1088, c256, 1), conv(c256, c288, 3, padding=1), conv(c288, c320, 3, stride=2)],
            [nn.MaxPool2d(3, stride=2)],
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Map ``(B, 3, H, W)`` to five feature maps, finest first."""
        half = self.conv2d_1a(images)
        quarter = F.max_pool2d(self.conv2d_2b(self.conv2d_2a(half)), 3, stride=2)
        eighth = F.max_pool2d(self.conv2d_4a(self.conv2d_3b(quarter)), 3, stride=2)
        sixteenth = self.mixed_6a(self.repeat(self.mixed_5b(eighth)))
        return half, quarter, eighth, sixteenth, self.mixed_7a(self.repeat_1(sixteenth))
