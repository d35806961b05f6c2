"""UMSN's segmentation network: soft maps of four face classes from the blurred image."""

import torch
from torch import Tensor, nn

from snadnet.models.layers.former_keys import accept_former_keys
from snadnet.models.umsn.blocks import ResidualGroup, SegmentationGroup, SideHeads, Transition, head, leaky
from snadnet.models.umsn.config import NUM_MAPS, UMSNConfig


class SegmentationNetwork(nn.Module):
    """``(B, 3, H, W)`` RGB in ``[-1, 1]``, sides multiples of 4, to class maps at full and half size."""

    def __init__(self, config: UMSNConfig) -> None:
        super().__init__()
        width, quarter = config.width, config.width // 4

        def group(channels: int) -> SegmentationGroup:
            return SegmentationGroup(channels, width, image_statistics=config.image_statistics)

        self.first = nn.Sequential(
            ResidualGroup(3, config.segmentation_entry, "dilated"),
            Transition(3 + config.segmentation_entry, width, "half"),
        )
        self.second = nn.Sequential(group(width + 3), Transition(2 * width + 3, width, "half"))
        self.coarse = nn.ModuleList(nn.Sequential(group(width), Transition(2 * width, width)) for _ in range(3))
        self.fourth = nn.Sequential(group(2 * width), Transition(3 * width, width, "double"))
        self.fifth = group(2 * width)
        self.refine_half_res = head(3 * width, quarter)
        self.maps_half_res = head(quarter, NUM_MAPS)
        self.upsample_fifth = Transition(3 * width + NUM_MAPS, width, "double")
        self.sixth = nn.Sequential(ResidualGroup(width, width, "dilated"), Transition(2 * width, quarter))
        self.sides = SideHeads((width,) * 7)
        self.refine = head(quarter + 7, quarter)
        self.maps = head(quarter, NUM_MAPS)
        accept_former_keys(self, maps_half="maps_half_res", raise_fifth="upsample_fifth", refine_half="refine_half_res")

    def forward(self, image: Tensor, image_half_res: Tensor) -> tuple[Tensor, Tensor]:
        """Return maps ``(B, 4, H, W)`` and ``(B, 4, H / 2, W / 2)``, each map in ``[0, 1]`` by itself."""
        first = self.first(image)
        second = self.second(torch.cat((first, image_half_res), dim=1))
        coarse = [second]
        for stage in self.coarse:
            coarse.append(stage(coarse[-1]))
        fourth = self.fourth(torch.cat((coarse[-1], second), dim=1))
        fifth = self.fifth(torch.cat((fourth, first), dim=1))
        maps_half_res = torch.sigmoid(self.maps_half_res(leaky(self.refine_half_res(fifth))))
        upsampled = self.upsample_fifth(torch.cat((fifth, maps_half_res), dim=1))
        last = self.sides(self.sixth(upsampled), (first, *coarse, fourth, upsampled))
        return torch.sigmoid(self.maps(leaky(self.refine(last)))), maps_half_res
