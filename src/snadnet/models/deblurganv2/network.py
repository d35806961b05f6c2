"""DeblurGAN-v2's generator (Kupyn et al. 2019, section 3.1): a feature pyramid on an ImageNet backbone."""

from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.deblurganv2.inception import InceptionResNetV2
from snadnet.models.deblurganv2.mobilenet import MobileNetV2

Backbone = Literal["inception-resnet-v2", "mobilenet-v2"]

# Left, right, top and bottom: what Inception-ResNet-v2's unpadded convolutions took from each map, finest first.
_INCEPTION_PADS: Final = ((0, 1, 0, 1), (1, 1, 1, 1), (1, 2, 1, 2), (1, 1, 1, 1), (1, 1, 1, 1))
_SIDE_MULTIPLE: Final = 32
_NO_PADS: Final = ((0, 0, 0, 0),) * 5


@dataclass(frozen=True)
class GeneratorConfig:
    """Configuration of a generator.

    Attributes:
        backbone: The network that the pyramid stands on.
        pyramid_width: Channels of the pyramid, a multiple of 4.
        backbone_width: Factor on the backbone's channel counts.
        image_statistics: In evaluation mode the backbone's batch normalization uses each image's own statistics, as
            the released program does by running in training mode.
        pads_as_released: In evaluation mode images are padded at the right and bottom to the next multiple of 32,
            always by at least 1 px, with mid-grey (0 in ``[-1, 1]``), as in the released program. As statistics are
            those of the padded image, this changes all of the result.
    """

    backbone: Backbone
    pyramid_width: int
    backbone_width: float = 1.0
    image_statistics: bool = False
    pads_as_released: bool = False


class ConvNormRelu(nn.Sequential):
    """A 3 x 3 convolution, instance normalization by each image's own statistics, and ReLU."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels, out_channels, 3, padding=1), nn.InstanceNorm2d(out_channels), nn.ReLU(inplace=True)
        )


class Head(nn.Sequential):
    """Two bias-free 3 x 3 convolutions with ReLU, then nearest enlargement by ``scale``."""

    def __init__(self, channels: int, out_channels: int, scale: int) -> None:
        super().__init__(
            nn.Conv2d(channels, out_channels, 3, padding=1, bias=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.ReLU(inplace=True),
            nn.Upsample(scale_factor=scale, mode="nearest"),
        )


def _doubled(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2.0, mode="nearest")


class FeaturePyramid(nn.Module):
    """Five maps at exactly 1/2 to 1/32, finest first; the finest has half the channels of the others."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        width = config.pyramid_width
        inception = config.backbone == "inception-resnet-v2"
        self.pads = _INCEPTION_PADS if inception else _NO_PADS
        self.backbone: InceptionResNetV2 | MobileNetV2 = (InceptionResNetV2 if inception else MobileNetV2)(
            config.backbone_width, image_statistics=config.image_statistics
        )
        outs = (width // 2, width, width, width, width)
        self.laterals = nn.ModuleList(
            nn.Conv2d(channels, out, 1, bias=False) for channels, out in zip(self.backbone.channels, outs, strict=True)
        )
        self.merges = nn.ModuleList(ConvNormRelu(width, width) for _ in range(3))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map ``(B, 3, H, W)`` to the five maps."""
        finest, *others = (
            F.pad(lateral(features), pads, mode="reflect") if any(pads) else lateral(features)
            for lateral, features, pads in zip(self.laterals, self.backbone(images), self.pads, strict=True)
        )
        merged = [others[-1]]
        for lateral, merge in zip(reversed(others[:-1]), self.merges, strict=True):
            merged.append(merge(lateral + _doubled(merged[-1])))
        return (finest, *reversed(merged))


class Generator(nn.Module):
    """RGB ``(B, 3, H, W)`` in ``[-1, 1]`` to the same; it predicts a residual, which is added to the blurred image.

    At the border a padded image is restored otherwise than its inside: the release pads with mid-grey
    (``GeneratorConfig.pads_as_released``), all other networks here by reflection (``Restorer``).

    Sides are multiples of 32, and at least 128 on Inception-ResNet-v2, below which its coarsest map has no pixels left
    to reflect.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        width = config.pyramid_width
        self.pads = config.pads_as_released
        self.pyramid = FeaturePyramid(config)
        self.heads = nn.ModuleList(Head(width, width // 2, scale) for scale in (1, 2, 4, 8))
        self.smooth = ConvNormRelu(2 * width, width // 2)
        self.smooth2 = ConvNormRelu(width // 2, width // 4)
        self.final = nn.Conv2d(width // 4, 3, 3, padding=1)

    def forward(self, blurred: Tensor) -> Tensor:
        """Restore a batch."""
        if self.pads and not self.training:
            height, width = blurred.shape[-2:]
            padded = F.pad(
                blurred, (0, _SIDE_MULTIPLE - width % _SIDE_MULTIPLE, 0, _SIDE_MULTIPLE - height % _SIDE_MULTIPLE)
            )
            return self._restore(padded)[..., :height, :width]
        return self._restore(blurred)

    def _restore(self, blurred: Tensor) -> Tensor:
        half_res, *coarser = self.pyramid(blurred)
        quarters = [head(features) for head, features in zip(self.heads, coarser, strict=True)]
        # Coarsest first, as in the published weights.
        features = self.smooth(torch.cat(quarters[::-1], dim=1))
        features = self.smooth2(_doubled(features) + half_res)
        return (blurred + torch.tanh(self.final(_doubled(features)))).clamp(-1.0, 1.0)
