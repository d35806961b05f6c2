"""NAFNet, the modern reference (Chen et al. 2022, Simple Baselines for Image Restoration)."""

from snadnet.models.descriptor import ModelDescriptor
from snadnet.models.nafnet.network import (
    NAFNET_32,
    NAFNET_64,
    NAFNET_SMALL,
    NAFNET_SMALL_56,
    NAFNET_TINY,
    NAFNet,
    NAFNetConfig,
)
from snadnet.size_rule import SizeRule

__all__ = [
    "DESCRIPTORS",
    "NAFNET_32",
    "NAFNET_64",
    "NAFNET_SMALL",
    "NAFNET_SMALL_56",
    "NAFNET_TINY",
    "NAFNet",
    "NAFNetConfig",
]


def _descriptor(name: str, config: NAFNetConfig) -> ModelDescriptor:
    return ModelDescriptor(
        name,
        task="deblurring",
        role="reference",
        paper="Chen et al., Simple Baselines for Image Restoration",
        year=2022,
        licence="MIT",
        build=lambda: NAFNet(config),
        size=SizeRule.multiple_of(config.size_multiple),
    )


DESCRIPTORS = (
    _descriptor("nafnet-32", NAFNET_32),
    _descriptor("nafnet-64", NAFNET_64),
    _descriptor("nafnet-tiny", NAFNET_TINY),
    _descriptor("nafnet-small", NAFNET_SMALL),
    _descriptor("nafnet-small-56", NAFNET_SMALL_56),
)
