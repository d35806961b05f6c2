"""MPRNet, the multi-stage progressive restoration network (Zamir et al. 2021, CVPR)."""

from snadnet.models.mprnet.network import MPRNET, MPRNET_CPU, SIZE_MULTIPLE, MPRNet, MPRNetConfig, MPRNetOutput

__all__ = ["MPRNET", "MPRNET_CPU", "SIZE_MULTIPLE", "MPRNet", "MPRNetConfig", "MPRNetOutput"]
