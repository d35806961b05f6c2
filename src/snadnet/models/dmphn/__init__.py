"""DMPHN, the deep multi-patch hierarchical network (Zhang et al. 2019, CVPR)."""

from snadnet.models.descriptor import ModelDescriptor, ValueRange
from snadnet.models.dmphn.network import (
    DMPHN,
    DMPHN_1_2_4,
    DMPHN_1_2_4_8,
    DMPHN_1_2_4_8_TINY,
    DMPHN_1_2_4_TINY,
    DMPHNConfig,
    DMPHNOutput,
)
from snadnet.size_rule import SizeRule

__all__ = [
    "DESCRIPTORS",
    "DMPHN",
    "DMPHN_1_2_4",
    "DMPHN_1_2_4_8",
    "DMPHN_1_2_4_8_TINY",
    "DMPHN_1_2_4_TINY",
    "DMPHNConfig",
    "DMPHNOutput",
]


def _descriptor(name: str, config: DMPHNConfig) -> ModelDescriptor:
    return ModelDescriptor(
        name,
        task="deblurring",
        role="baseline",
        paper="Zhang et al., Deep Stacked Hierarchical Multi-patch Network for Image Deblurring",
        year=2019,
        licence="none stated",
        build=lambda: DMPHN(config),
        size=SizeRule(*config.size_multiples),
        values=ValueRange(-0.5, 0.5),
    )


DESCRIPTORS = (
    _descriptor("dmphn-1-2-4", DMPHN_1_2_4),
    _descriptor("dmphn-1-2-4-8", DMPHN_1_2_4_8),
    _descriptor("dmphn-1-2-4-tiny", DMPHN_1_2_4_TINY),
    _descriptor("dmphn-1-2-4-8-tiny", DMPHN_1_2_4_8_TINY),
)
