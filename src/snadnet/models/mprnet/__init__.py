"""MPRNet, the multi-stage progressive restoration network (Zamir et al. 2021, CVPR)."""

from snadnet.models.descriptor import ModelDescriptor
from snadnet.models.mprnet.network import MPRNET, MPRNET_TINY, SIZE_MULTIPLE, MPRNet, MPRNetConfig, MPRNetOutput
from snadnet.size_rule import SizeRule

__all__ = ["DESCRIPTORS", "MPRNET", "MPRNET_TINY", "MPRNet", "MPRNetConfig", "MPRNetOutput"]


def _descriptor(name: str, config: MPRNetConfig) -> ModelDescriptor:
    return ModelDescriptor(
        name,
        task="deblurring",
        role="baseline",
        paper="Zamir et al., Multi-Stage Progressive Image Restoration",
        year=2021,
        licence="academic, non-commercial",
        build=lambda: MPRNet(config),
        size=SizeRule.multiple_of(SIZE_MULTIPLE),
    )


DESCRIPTORS = (_descriptor("mprnet", MPRNET), _descriptor("mprnet-tiny", MPRNET_TINY))
