"""BiSeNet with a ResNet-18 context path and no spatial path, as the paper's face parser uses it."""

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.faces.classes import NUM_CLASSES
from snadnet.models.layers.graph_forms import channel_sum

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)


class ParsingLogits(NamedTuple):
    """Logits of the main head ``(B, 19, H, W)`` and of the auxiliary heads, which stay at 1/8 and 1/16.

    The original enlarges the auxiliary logits to the input's size too, which costs as much time as the network
    itself when it is narrow and adds no information.
    """

    main: Tensor
    auxiliary16: Tensor
    auxiliary32: Tensor


class ConvNormRelu(nn.Sequential):
    """A bias-free convolution, batch normalization and ReLU."""

    def __init__(self, channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__(
            nn.Conv2d(channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


class BasicBlock(nn.Module):
    """ResNet's basic block (He et al. 2016)."""

    def __init__(self, channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = (
            None
            if stride == 1 and channels == out_channels
            else nn.Sequential(
                nn.Conv2d(channels, out_channels, 1, stride=stride, bias=False), nn.BatchNorm2d(out_channels)
            )
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to ``(B, C_out, H / stride, W / stride)``."""
        identity = features if self.downsample is None else self.downsample(features)
        residual = F.relu(self.bn1(self.conv1(features)))
        return F.relu(identity + self.bn2(self.conv2(residual)))


class ResNet18(nn.Module):
    """ResNet-18 without its classifier; returns the features at 1/8, 1/16 and 1/32."""

    def __init__(self, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        stages = []
        channels = widths[0]
        for width, stride in zip(widths, (1, 2, 2, 2), strict=True):
            stages.append(nn.Sequential(BasicBlock(channels, width, stride), BasicBlock(width, width, 1)))
            channels = width
        self.layer1, self.layer2, self.layer3, self.layer4 = stages

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map ``(B, 3, H, W)`` to three feature maps, finest first."""
        features = F.max_pool2d(F.relu(self.bn1(self.conv1(image))), 3, stride=2, padding=1)
        fine = self.layer2(self.layer1(features))
        middle = self.layer3(fine)
        return fine, middle, self.layer4(middle)


class AttentionRefinement(nn.Module):
    """Weigh channels by attention from their global average."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = ConvNormRelu(channels, out_channels, 3)
        self.attention = nn.Conv2d(out_channels, out_channels, 1, bias=False)
        self.attention_bn = nn.BatchNorm2d(out_channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to ``(B, C_out, H, W)``."""
        refined: Tensor = self.conv(features)
        attention = self.attention_bn(self.attention(refined.mean(dim=(2, 3), keepdim=True)))
        return refined * torch.sigmoid(attention)


class FeatureFusion(nn.Module):
    """Join fine and context features, then add an attended copy of the result to itself."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = ConvNormRelu(channels, channels, 1)
        self.squeeze = nn.Conv2d(channels, channels // 4, 1, bias=False)
        self.excite = nn.Conv2d(channels // 4, channels, 1, bias=False)

    def forward(self, fine: Tensor, context: Tensor) -> Tensor:
        """Map two maps ``(B, C / 2, H, W)`` to one ``(B, C, H, W)``."""
        joined: Tensor = self.conv(torch.cat((fine, context), dim=1))
        attention = self.excite(F.relu(self.squeeze(joined.mean(dim=(2, 3), keepdim=True))))
        return joined * torch.sigmoid(attention) + joined


class ParsingHead(nn.Sequential):
    """A 3 x 3 and a 1 x 1 convolution that give the class logits."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__(ConvNormRelu(channels, hidden, 3), nn.Conv2d(hidden, NUM_CLASSES, 1, bias=False))


class BiSeNet(nn.Module):
    """Face parser: RGB in ``[0, 1]`` ``(B, 3, H, W)`` to logits of the 19 CelebAMask-HQ classes.

    Any size of 32 px and more works. ImageNet's mean and deviation are applied inside. In training mode the result
    is a ``ParsingLogits`` of all three heads, in evaluation mode the main head's logits ``(B, 19, H, W)``.

    Args:
        width: Factor on all channel counts; 1 is the published network (13.3 M parameters). It must leave whole
            multiples of 4.
        align_corners: How the main head's logits are brought to the image's size. The program that the paper builds on
            (zllrunning's face-parsing.PyTorch) aligns the corners of both grids, which moves the classes' borders by up
            to half a logit, 4 px; False, on which our own weights were trained, keeps them in place.

    Raises:
        ValueError: If ``width`` does not give channel counts that are multiples of 4.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, width: float = 1.0, *, align_corners: bool = False) -> None:
        super().__init__()
        self.width = width
        self.align_corners = align_corners
        base = round(64 * width)
        if base < 4 or base % 4 or base != 64 * width:  # noqa: PLR2004 (the fusion's attention has a quarter)
            raise ValueError(f"width {width} does not make 64 channels a multiple of 4")
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        inner = 2 * base
        self.backbone = ResNet18((base, 2 * base, 4 * base, 8 * base))
        self.average = ConvNormRelu(8 * base, inner, 1)
        self.refine32 = AttentionRefinement(8 * base, inner)
        self.refine16 = AttentionRefinement(4 * base, inner)
        self.smooth32 = ConvNormRelu(inner, inner, 3)
        self.smooth16 = ConvNormRelu(inner, inner, 3)
        self.fusion = FeatureFusion(2 * inner)
        self.head = ParsingHead(2 * inner, 2 * inner)
        self.head16 = ParsingHead(inner, base)
        self.head32 = ParsingHead(inner, base)

    def forward(self, image: Tensor) -> Tensor | ParsingLogits:
        """Parse ``(B, 3, H, W)`` RGB in ``[0, 1]``."""
        fused, context16, context32 = self._features(image)
        logits = self._enlarged(self.head(fused), image)
        return ParsingLogits(logits, self.head16(context16), self.head32(context32)) if self.training else logits

    def probabilities(self, image: Tensor) -> Tensor:
        """Return the probabilities of the classes, ``(B, 19, H, W)`` float32, of ``(B, 3, H, W)`` RGB in ``[0, 1]``.

        They are the softmax of the main head's logits, written out: ONNX Runtime takes the softmax of each pixel by
        itself, which takes ten times as long. What keeps it from overflowing, the largest logit, is taken away at the
        head's own size, where it takes a 64th of the time.
        """
        logits = self.head(self._features(image)[0]).float()
        weights = torch.exp(self._enlarged(logits - logits.amax(dim=1, keepdim=True), image))
        # Between two pixels that are sure of two classes the logits of both may be far below zero.
        return weights / channel_sum(weights).clamp_min(torch.finfo(torch.float32).tiny)

    def _features(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the heads see, the main one first: at 1/8, 1/8 and 1/16."""
        fine, middle, coarse = self.backbone((image - self.mean) / self.std)
        context32 = self.refine32(coarse) + self.average(coarse.mean(dim=(2, 3), keepdim=True))
        context32 = self.smooth32(F.interpolate(context32, size=middle.shape[-2:]))
        context16 = self.refine16(middle) + context32
        context16 = self.smooth16(F.interpolate(context16, size=fine.shape[-2:]))
        return self.fusion(fine, context16), context16, context32

    def _enlarged(self, logits: Tensor, image: Tensor) -> Tensor:
        return F.interpolate(logits, size=image.shape[-2:], mode="bilinear", align_corners=self.align_corners)
