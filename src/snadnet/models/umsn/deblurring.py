"""UMSN's deblurring network: a stream for every face class, and a second stage that joins them."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from snadnet.models.layers.former_keys import accept_former_keys
from snadnet.models.umsn.blocks import (
    Bottleneck,
    ConfidenceGroup,
    ResidualGroup,
    SideHeads,
    SmoothUpsample,
    Transition,
    head,
    leaky,
)
from snadnet.models.umsn.config import NUM_MAPS, UMSNConfig


class ClassStream(nn.Module):
    """The first stage for one class: features from the image and the class's map, and an image of its own."""

    def __init__(self, config: UMSNConfig) -> None:
        super().__init__()
        half, quarter = config.width // 2, config.width // 4
        inputs = 3 + 1
        self.first = nn.Sequential(
            ResidualGroup(inputs, config.stream_entry), Transition(inputs + config.stream_entry, quarter, "half")
        )
        self.middle = nn.Sequential(
            *(nn.Sequential(ResidualGroup(quarter, quarter, "smoothed"), Transition(half, quarter)) for _ in range(2))
        )
        self.last = nn.Sequential(ResidualGroup(half, quarter, "smoothed"), Transition(half + quarter, quarter))
        self.image_features = nn.Sequential(ResidualGroup(quarter, quarter), SmoothUpsample(half, quarter))
        self.refine_input = head(inputs, quarter)
        self.refine = head(quarter, quarter)
        self.output_head = OutputHead(config)
        accept_former_keys(self, drawing="image_features", finish="output_head")

    def forward(self, image: Tensor, class_map: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``(B, 3, H, W)`` and ``(B, 1, H, W)`` to features ``(B, C, H / 2, W / 2)`` and an image."""
        inputs_with_maps = torch.cat((image, class_map), dim=1)
        first = self.first(inputs_with_maps)
        features = self.last(torch.cat((self.middle(first), first), dim=1))
        residual = leaky(self.refine_input(inputs_with_maps)) - leaky(self.refine(self.image_features(features)))
        return features, self.output_head(image, residual)[0]


class OutputHead(nn.Module):
    """From the last features to an image: a residual taken from the input, and a small network after it."""

    def __init__(self, config: UMSNConfig) -> None:
        super().__init__()
        self.residual = head(config.width // 4, 3)
        self.first = head(3, config.output_width, 7)
        self.second = head(config.output_width, 3)

    def forward(self, image: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``(B, 3, H, W)`` and features ``(B, C, H, W)`` to the image and the residual, ``(B, 3, H, W)`` both."""
        residual = torch.tanh(self.residual(features))
        return torch.tanh(self.second(leaky(self.first(image - residual)))), residual


class DeblurredFaces(NamedTuple):
    """The deblurring network's images, RGB in ``[-1, 1]``.

    Attributes:
        restored: ``(B, 3, H, W)``.
        restored_half_res: ``(B, 3, H / 2, W / 2)``.
        first_stage: The four streams' images, ``(B, 3, H, W)`` each.
    """

    restored: Tensor
    restored_half_res: Tensor
    first_stage: tuple[Tensor, ...]


class DeblurringNetwork(nn.Module):
    """``(B, 3, H, W)`` RGB in ``[-1, 1]`` and class maps ``(B, 4, H, W)`` to the restored image."""

    def __init__(self, config: UMSNConfig) -> None:
        super().__init__()
        width, half, quarter = config.width, config.width // 2, config.width // 4
        inputs = 3 + NUM_MAPS
        self.streams = nn.ModuleList(ClassStream(config) for _ in range(NUM_MAPS))
        self.join_streams = Bottleneck(NUM_MAPS * quarter, half)
        self.first = nn.Sequential(
            ResidualGroup(inputs, config.deblurring_entry), Transition(inputs + config.deblurring_entry, half, "half")
        )
        self.second = nn.Sequential(ResidualGroup(width + 3, width, "dilated"), Transition(2 * width + 3, width))
        self.middle = nn.ModuleList(
            nn.Sequential(ResidualGroup(width, width, "smoothed"), Transition(2 * width, width)) for _ in range(4)
        )
        self.fifth = ResidualGroup(2 * width, width, "dilated")
        self.refine_input_half_res = head(3, quarter)
        self.refine_half_res = head(3 * width, quarter)
        self.upsample_fifth = SmoothUpsample(3 * width + 3, width)
        self.sixth = nn.Sequential(ResidualGroup(width + inputs, width), Transition(2 * width + inputs, quarter))
        self.sides = SideHeads((width,) * 7)
        self.refine_input = head(inputs, quarter)
        self.refine = head(quarter + 7, quarter)
        # One module makes the image at both sizes.
        self.output_head = OutputHead(config)
        accept_former_keys(
            self,
            finish="output_head",
            raise_fifth="upsample_fifth",
            refine_half="refine_half_res",
            refine_input_half="refine_input_half_res",
        )

    def forward(self, image: Tensor, image_half_res: Tensor, maps: Tensor) -> DeblurredFaces:
        """Restore an image, given also at half size."""
        streams = [stream(image, maps[:, i : i + 1]) for i, stream in enumerate(self.streams)]
        classes = self.join_streams(torch.cat([features for features, _ in streams], dim=1))

        inputs_with_maps = torch.cat((image, maps), dim=1)
        first = self.first(inputs_with_maps)
        middle = [self.second(torch.cat((first, image_half_res, classes), dim=1))]
        for stage in self.middle:
            middle.append(stage(middle[-1]))
        fifth = self.fifth(torch.cat((middle[-1], first, classes), dim=1))
        refined_half_res = leaky(self.refine_input_half_res(image_half_res)) - leaky(self.refine_half_res(fifth))
        restored_half_res, residual_half_res = self.output_head(image_half_res, refined_half_res)

        upsampled = self.upsample_fifth(torch.cat((fifth, residual_half_res), dim=1))
        sixth = self.sixth(torch.cat((upsampled, inputs_with_maps), dim=1))
        last = self.sides(sixth, (torch.cat((first, classes), dim=1), *middle, upsampled))
        restored, _ = self.output_head(image, leaky(self.refine_input(inputs_with_maps)) - leaky(self.refine(last)))
        return DeblurredFaces(restored, restored_half_res, tuple(image for _, image in streams))


class ConfidenceNetwork(nn.Module):
    """How far a class's restoration is to be trusted, from the restored and the true image within its map."""

    def __init__(self, config: UMSNConfig) -> None:
        super().__init__()
        half, quarter = config.width // 2, config.width // 4
        self.intro = head(2 * 3, quarter)
        self.first = nn.Sequential(
            Transition(quarter, quarter, "half"), ConfidenceGroup(quarter, half), Transition(half, quarter, "half")
        )
        # The published network runs this one twice.
        self.repeated = ConfidenceGroup(quarter, half)
        self.between = Transition(half, quarter, "half")
        self.last = Transition(half, quarter)
        self.score = nn.Conv2d(quarter, 3, 1)

    def forward(self, restored: Tensor, target: Tensor) -> Tensor:
        """Map two masked images ``(B, 3, H, W)`` to a confidence a colour channel, ``(B, 3)`` in ``(0, 1)``."""
        features = self.first(self.intro(torch.cat((restored, target), dim=1)))
        features = self.last(self.repeated(self.between(self.repeated(features))))
        averages = torch.sigmoid(features.mean(dim=(2, 3), keepdim=True))
        return torch.sigmoid(self.score(averages)).flatten(1)
