"""Configuration of UMSN."""

from dataclasses import dataclass
from typing import Final

NUM_MAPS: Final = 4
"""Face classes that UMSN distinguishes."""

SIZE_MULTIPLE: Final = 4
"""Sides that UMSN works on."""


@dataclass(frozen=True)
class UMSNConfig:
    """Configuration of a UMSN. The defaults are the published network.

    Attributes:
        width: Channels of the two main networks; the first-stage streams work with a half and a quarter of it.
        stream_entry: Channels that a first-stage stream adds to its four at its entrance.
        deblurring_entry: Channels that the deblurring network adds to its seven at its entrance.
        segmentation_entry: Channels that the segmentation network adds to its three at its entrance.
        output_width: Channels between the two convolutions that finish an image.
        image_statistics: Let the segmentation network's batch normalization use each image's own statistics in
            evaluation mode, as the published test code does.
    """

    width: int = 64
    stream_entry: int = 28
    deblurring_entry: int = 57
    segmentation_entry: int = 61
    output_width: int = 8
    image_statistics: bool = False


UMSN_PAPER: Final = UMSNConfig()
UMSN_TINY: Final = UMSNConfig(width=4, stream_entry=1, deblurring_entry=2, segmentation_entry=2, output_width=2)
"""The same topology at about 0.5 GMACs for 160 x 160 px."""
