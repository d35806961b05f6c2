"""DeblurGAN-v2 (Kupyn et al. 2019): a feature-pyramid generator against a double-scale critic."""

from dataclasses import replace

from snadnet.models.deblurganv2.critic import DoubleScaleCritic, DoubleScaleScores
from snadnet.models.deblurganv2.network import Generator, GeneratorConfig
from snadnet.models.deblurganv2.pretrained import load_backbone
from snadnet.models.descriptor import SIGNED, ModelDescriptor
from snadnet.size_rule import SizeRule

__all__ = [
    "DESCRIPTORS",
    "DoubleScaleCritic",
    "DoubleScaleScores",
    "Generator",
    "GeneratorConfig",
    "load_backbone",
]


def _descriptor(name: str, config: GeneratorConfig, smallest: int) -> ModelDescriptor:
    return ModelDescriptor(
        name,
        task="deblurring",
        role="baseline",
        paper="Kupyn et al., DeblurGAN-v2: Deblurring (Orders-of-Magnitude) Faster and Better",
        year=2019,
        licence="BSD-style",
        build=lambda: Generator(config),
        size=SizeRule.multiple_of(32, smallest=smallest),
        values=SIGNED,
    )


_INCEPTION = GeneratorConfig("inception-resnet-v2", pyramid_width=256)
_MOBILENET = GeneratorConfig("mobilenet-v2", pyramid_width=128)

DESCRIPTORS = (
    _descriptor("deblurganv2-inception", _INCEPTION, 128),
    _descriptor("deblurganv2-mobilenet", _MOBILENET, 32),
    # The first at about the cost of snadnet-small, the second, which costs that by itself, at a third.
    _descriptor("deblurganv2-inception-tiny", replace(_INCEPTION, pyramid_width=96, backbone_width=0.375), 128),
    _descriptor("deblurganv2-mobilenet-tiny", replace(_MOBILENET, pyramid_width=64, backbone_width=0.5), 32),
    # Where the release deviates from the paper: batch statistics at inference. A map of one pixel has no deviation.
    _descriptor("deblurganv2-inception-released", replace(_INCEPTION, image_statistics=True), 128),
    _descriptor("deblurganv2-mobilenet-released", replace(_MOBILENET, image_statistics=True), 64),
)
