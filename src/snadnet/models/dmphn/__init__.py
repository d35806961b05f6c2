"""DMPHN, the deep multi-patch hierarchical network (Zhang et al. 2019, CVPR)."""

from snadnet.models.dmphn.network import (
    DMPHN,
    DMPHN_1_2_4,
    DMPHN_1_2_4_8,
    DMPHN_1_2_4_8_CPU,
    DMPHN_1_2_4_CPU,
    DMPHNConfig,
    DMPHNOutput,
)

__all__ = [
    "DMPHN",
    "DMPHN_1_2_4",
    "DMPHN_1_2_4_8",
    "DMPHN_1_2_4_8_CPU",
    "DMPHN_1_2_4_CPU",
    "DMPHNConfig",
    "DMPHNOutput",
]
