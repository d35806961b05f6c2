"""UMSN's building blocks: every convolution sees normalized and rectified features (pre-activation).

Residual groups are dense: but for ``Bottleneck`` and ``ConfidenceGroup`` they return their input beside what
they made of it, ``C_in + C_out`` channels. No convolution in here has a bias.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.layers.batch_normalization import BatchNorm

_DILATION = 2


class SharedSeparable(nn.Module):
    """One 3 x 3 kernel that filters every channel, the identity at first.

    It smooths what the dilated convolution after it would sample as a grid (Wang & Ji 2018, Smoothed Dilated
    Convolutions for Improved Dense Prediction).
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, 1, 3, 3))
        with torch.no_grad():
            self.weight[..., 1, 1] = 1.0

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape."""
        channels = features.shape[1]
        return F.conv2d(features, self.weight.expand(channels, 1, 3, 3), padding=1, groups=channels)


def _instance_norm(channels: int) -> nn.InstanceNorm2d:
    return nn.InstanceNorm2d(channels)


def _convolution(channels: int, out_channels: int, kernel_size: int, dilation: int = 1) -> nn.Conv2d:
    padding = dilation * (kernel_size // 2)
    return nn.Conv2d(channels, out_channels, kernel_size, padding=padding, dilation=dilation, bias=False)


def _activated(*layers: nn.Module, norm: nn.Module) -> list[nn.Module]:
    return [norm, nn.ReLU(), *layers]


class ResidualGroup(nn.Module):
    """Four convolutions with three times the output's channels between them; returns its input beside the result.

    Args:
        channels: Of the input.
        out_channels: What the group adds; the result has ``channels + out_channels``.
        kind: ``"plain"``; ``"dilated"``, whose third convolution reaches twice as far; or ``"smoothed"``, whose third
            and fourth do, the fourth behind a ``SharedSeparable`` filter.
    """

    def __init__(
        self, channels: int, out_channels: int, kind: Literal["plain", "dilated", "smoothed"] = "plain"
    ) -> None:
        super().__init__()
        inner = 3 * out_channels
        third = 1 if kind == "plain" else _DILATION
        smoothed = kind == "smoothed"
        last = _convolution(inner, out_channels, 3, _DILATION if smoothed else 1)
        self.body = nn.Sequential(
            *_activated(_convolution(channels, inner, 1), norm=_instance_norm(channels)),
            *_activated(_convolution(inner, inner, 3), norm=_instance_norm(inner)),
            *_activated(_convolution(inner, inner, 3, third), norm=_instance_norm(inner)),
            *_activated(*([SharedSeparable(), last] if smoothed else [last]), norm=_instance_norm(inner)),
        )
        self.skip = _convolution(channels, out_channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to ``(B, C + C_out, H, W)``."""
        return torch.cat((features, self.body(features) + self.skip(features)), dim=1)


class SegmentationGroup(nn.Module):
    """The segmentation network's group: batch normalization and four times the output's channels in between."""

    def __init__(self, channels: int, out_channels: int, *, image_statistics: bool) -> None:
        super().__init__()
        inner = 4 * out_channels

        def norm(width: int) -> BatchNorm:
            return BatchNorm(width, image_statistics=image_statistics)

        self.body = nn.Sequential(
            *_activated(_convolution(channels, inner, 1), norm=norm(channels)),
            *_activated(_convolution(inner, inner, 3, _DILATION), norm=norm(inner)),
            *_activated(SharedSeparable(), _convolution(inner, out_channels, 3, _DILATION), norm=norm(inner)),
        )
        self.skip = _convolution(channels, out_channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to ``(B, C + C_out, H, W)``."""
        return torch.cat((features, self.body(features) + self.skip(features)), dim=1)


def _three_convolutions(channels: int, out_channels: int) -> nn.Sequential:
    inner = 3 * out_channels
    return nn.Sequential(
        *_activated(_convolution(channels, inner, 1), norm=_instance_norm(channels)),
        *_activated(_convolution(inner, inner, 3), norm=_instance_norm(inner)),
        *_activated(_convolution(inner, out_channels, 3), norm=_instance_norm(inner)),
    )


class Bottleneck(nn.Module):
    """Three convolutions and a 1 x 1 convolution around them; it does not return its input."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.body = _three_convolutions(channels, out_channels)
        self.skip = _convolution(channels, out_channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to ``(B, C_out, H, W)``."""
        joined: Tensor = self.body(features) + self.skip(features)
        return joined


class ConfidenceGroup(nn.Sequential):
    """Three convolutions with nothing around them: ``(B, C, H, W)`` to ``(B, C_out, H, W)``."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__(*_three_convolutions(channels, out_channels))


class Transition(nn.Module):
    """Bring features to other channels, and with ``scale`` to half or twice the resolution.

    The 1 x 1 convolution is a transposed one, which computes the same, so that published weights keep their axes.
    """

    def __init__(self, channels: int, out_channels: int, scale: Literal["half", "same", "double"] = "same") -> None:
        super().__init__()
        self.norm = _instance_norm(channels)
        self.conv = nn.ConvTranspose2d(channels, out_channels, 1, bias=False)
        self.resize: nn.Module = nn.Identity()
        if scale == "half":
            self.resize = nn.AvgPool2d(2)
        elif scale == "double":
            self.resize = nn.Upsample(scale_factor=2)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to ``(B, C_out, scale * H, scale * W)``."""
        converted: Tensor = self.resize(self.conv(F.relu(self.norm(features))))
        return converted


class SmoothUpsample(nn.Module):
    """Bring features to other channels and, bilinearly, to twice the resolution, with a 3 x 3 convolution after it."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm = _instance_norm(channels)
        self.conv = _convolution(channels, out_channels, 1)
        self.smooth = _convolution(out_channels, out_channels, 3)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to ``(B, C_out, 2 * H, 2 * W)``."""
        converted = self.conv(F.relu(self.norm(features)))
        upsampled: Tensor = self.smooth(
            F.interpolate(converted, scale_factor=2, mode="bilinear", align_corners=True)  # as published
        )
        return upsampled


def head(channels: int, out_channels: int, kernel_size: int = 3) -> nn.Conv2d:
    """Return a convolution with a bias that keeps the size."""
    return nn.Conv2d(channels, out_channels, kernel_size, padding=kernel_size // 2)


def leaky(features: Tensor) -> Tensor:
    """Apply the leaky ReLU that follows UMSN's heads."""
    return F.leaky_relu(features, 0.2)


class SideHeads(nn.Module):
    """One channel from every depth of the network, brought to full size, behind the last features."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(head(width, 1) for width in channels)

    def forward(self, features: Tensor, sides: tuple[Tensor, ...]) -> Tensor:
        """Map the last features ``(B, C, H, W)`` and the sides', deepest last, to ``(B, C + sides, H, W)``."""
        size = features.shape[-2:]
        maps = [
            F.interpolate(leaky(convolution(side)), size=size)
            for convolution, side in zip(self.heads, sides, strict=True)
        ]
        return torch.cat((features, *reversed(maps)), dim=1)
