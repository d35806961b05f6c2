"""UMSN, the uncertainty-guided multi-stream semantic network (Yasarla et al. 2020, IEEE TIP)."""

from dataclasses import replace

from snadnet.models.descriptor import SIGNED, ModelDescriptor
from snadnet.models.umsn.config import SIZE_MULTIPLE, UMSN_PAPER, UMSN_TINY, UMSNConfig
from snadnet.models.umsn.network import UMSN, UMSNOutput
from snadnet.size_rule import SizeRule

__all__ = ["DESCRIPTORS", "UMSN", "UMSN_PAPER", "UMSN_TINY", "UMSNConfig", "UMSNOutput"]


def _descriptor(name: str, config: UMSNConfig) -> ModelDescriptor:
    return ModelDescriptor(
        name,
        task="deblurring",
        role="baseline",
        paper="Yasarla et al., Deblurring Face Images Using Uncertainty Guided Multi-Stream Semantic Networks",
        year=2020,
        licence="MIT",
        build=lambda: UMSN(config),
        size=SizeRule.multiple_of(SIZE_MULTIPLE),
        values=SIGNED,
    )


DESCRIPTORS = (
    _descriptor("umsn", UMSN_PAPER),
    _descriptor("umsn-tiny", UMSN_TINY),
    # Where the release deviates from the paper: the image's own batch statistics at inference.
    _descriptor("umsn-released", replace(UMSN_PAPER, image_statistics=True)),
)
