"""DeblurGAN-v2 (Kupyn et al. 2019): a feature-pyramid generator against a double-scale critic."""

from dataclasses import replace

from snadnet.models.deblurganv2.critic import DoubleScaleCritic, DoubleScaleScores
from snadnet.models.deblurganv2.network import Generator, GeneratorConfig
from snadnet.models.deblurganv2.pretrained import load_backbone
from snadnet.models.descriptor import SIGNED, ModelDescriptor
from snadnet.size_rule import ANY_SIZE, SizeRule

__all__ = [
    "DESCRIPTORS",
    "DoubleScaleCritic",
    "DoubleScaleScores",
    "Generator",
    "GeneratorConfig",
    "load_backbone",
]


def _descriptor(name: str, config: GeneratorConfig, size: SizeRule) -> ModelDescriptor:
    return ModelDescriptor(
        name,
        task="deblurring",
        role="baseline",
        paper="Kupyn et al., DeblurGAN-v2: Deblurring (Orders-of-Magnitude) Faster and Better",
        year=2019,
        licence="BSD-style",
        build=lambda: Generator(config),
        size=size,
        values=SIGNED,
    )


_INCEPTION = GeneratorConfig("inception-resnet-v2", pyramid_width=256)
_MOBILENET = GeneratorConfig("mobilenet-v2", pyramid_width=128)
_FROM_128 = SizeRule.multiple_of(32, smallest=128)
_FROM_32 = SizeRule.multiple_of(32)


def _released(config: GeneratorConfig) -> GeneratorConfig:
    """Where the release deviates from the paper: batch statistics at inference, and padding inside the network."""
    return replace(config, image_statistics=True, pads_as_released=True)


DESCRIPTORS = (
    _descriptor("deblurganv2-inception", _INCEPTION, _FROM_128),
    _descriptor("deblurganv2-mobilenet", _MOBILENET, _FROM_32),
    # At the cost of the other "-tiny" networks.
    _descriptor("deblurganv2-inception-tiny", replace(_INCEPTION, pyramid_width=88, backbone_width=0.125), _FROM_128),
    _descriptor("deblurganv2-mobilenet-tiny", replace(_MOBILENET, pyramid_width=88, backbone_width=0.5), _FROM_32),
    # 96 px are padded to 128. Of a map of one pixel there are no statistics, but the smallest padded side is 64.
    _descriptor("deblurganv2-inception-released", _released(_INCEPTION), SizeRule(smallest=96)),
    _descriptor("deblurganv2-mobilenet-released", _released(_MOBILENET), ANY_SIZE),
)
