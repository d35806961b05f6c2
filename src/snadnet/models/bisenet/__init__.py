"""BiSeNet, the face parser (Yu et al. 2018; paper, II-A)."""

from snadnet.models.bisenet.network import BiSeNet, ParsingLogits
from snadnet.models.bisenet.pretrained import load_imagenet_backbone
from snadnet.models.descriptor import ModelDescriptor

__all__ = ["DESCRIPTORS", "BiSeNet", "ParsingLogits", "load_imagenet_backbone"]


def _descriptor(name: str, width: float, *, align_corners: bool = False) -> ModelDescriptor:
    return ModelDescriptor(
        name,
        task="parsing",
        role="baseline",
        paper="Yu et al., BiSeNet: Bilateral Segmentation Network for Real-time Semantic Segmentation",
        year=2018,
        licence="MIT",
        build=lambda: BiSeNet(width, align_corners=align_corners),
    )


DESCRIPTORS = (
    _descriptor("bisenet", 1.0),
    _descriptor("bisenet-small", 0.25),
    # As the program computes that the paper's parser comes from.
    _descriptor("bisenet-released", 1.0, align_corners=True),
)
