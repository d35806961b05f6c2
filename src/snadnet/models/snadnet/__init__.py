"""SNADNet: the paper's generator, its parts and its discriminator."""

import math
from dataclasses import replace

from snadnet.faces.defaults import LARGE_CROP_SIZE
from snadnet.models.descriptor import ModelDescriptor
from snadnet.models.snadnet.full_size import (
    SMALLEST_FACE,
    Draft,
    FirstResult,
    FullSizeOutput,
    FullSizeSNADNet,
    TurnSight,
    draft_of,
)
from snadnet.models.snadnet.generator import (
    BASE,
    SMALL,
    SMALL_PAPER,
    SMALL_UNSHUFFLE_4,
    TINY,
    Generator,
    GeneratorConfig,
    GeneratorOutput,
    without,
)
from snadnet.models.snadnet.network import SNADNet, SNADNetOutput, size_multiple
from snadnet.models.snadnet.normalization import SeparableNormalization, separable_normalize
from snadnet.models.snadnet.snad import AdaptiveDenormalization, SNADLayer
from snadnet.size_rule import SizeRule

__all__ = [
    "BASE",
    "DESCRIPTORS",
    "SMALL",
    "SMALL_PAPER",
    "SMALL_UNSHUFFLE_4",
    "TINY",
    "AdaptiveDenormalization",
    "Draft",
    "FirstResult",
    "FullSizeOutput",
    "FullSizeSNADNet",
    "Generator",
    "GeneratorConfig",
    "GeneratorOutput",
    "SNADLayer",
    "SNADNet",
    "SNADNetOutput",
    "SeparableNormalization",
    "TurnSight",
    "draft_of",
    "separable_normalize",
    "size_multiple",
]


def _descriptor(name: str, generator: GeneratorConfig, parser_width: float) -> ModelDescriptor:
    return ModelDescriptor(
        name,
        task="deblurring",
        role="ours",
        paper="Zhang et al., Face Deblurring Based on Separable Normalization and Adaptive Denormalization",
        year=2021,
        licence="MIT",
        build=lambda: SNADNet(generator, parser_width=parser_width),
        size=SizeRule.multiple_of(size_multiple(generator)),
    )


def _ablations(name: str, generator: GeneratorConfig, parser_width: float) -> tuple[ModelDescriptor, ...]:
    """Rows (b) to (e) of the paper's Table III; (f) and (g) are the network itself, by another discriminator."""
    return (
        _descriptor(f"{name}-linknet", without(generator, "none"), parser_width),
        _descriptor(f"{name}-bnad", without(generator, "batch"), parser_width),
        _descriptor(f"{name}-inad", without(generator, "instance"), parser_width),
        _descriptor(f"{name}-snad", without(generator, "separable"), parser_width),
    )


def _full_size(name: str, generator: GeneratorConfig, parser_width: float) -> tuple[ModelDescriptor, ...]:
    """The network with a full-size pass, and those with one pass more: for faces of twice the size, and at the same."""

    def full() -> FullSizeSNADNet:
        return FullSizeSNADNet(SNADNet(generator, parser_width=parser_width))

    plain = _descriptor(name, generator, parser_width)
    multiple = size_multiple(generator)
    # The views of a face's quarters, with what they share, are no larger than the face.
    smallest = multiple * math.ceil(SMALLEST_FACE / multiple)
    plain = replace(plain, size=SizeRule.multiple_of(multiple, smallest=smallest))
    return (
        replace(plain, name=f"{name}-full", build=full),
        replace(
            plain,
            name=f"{name}-large",
            build=lambda: FullSizeSNADNet(full(), scale=2),
            size=SizeRule.multiple_of(2 * multiple, smallest=2 * smallest),
            crop_size=LARGE_CROP_SIZE,
        ),
        replace(plain, name=f"{name}-twice", build=lambda: FullSizeSNADNet(full())),
    )


DESCRIPTORS = (
    _descriptor("snadnet-base", BASE, 1.0),
    *_ablations("snadnet-base", BASE, 1.0),
    _descriptor("snadnet-tiny", TINY, 0.25),
    *_ablations("snadnet-tiny", TINY, 0.25),
    _descriptor("snadnet-small", SMALL, 0.25),
    *_ablations("snadnet-small", SMALL, 0.25),
    _descriptor("snadnet-small-paper", SMALL_PAPER, 0.25),
    *_full_size("snadnet-small", SMALL, 0.25),
    # One change each against snadnet-small, most of them the paper's open choices, for the experiments in docs/.
    _descriptor("snadnet-small-argmax", replace(SMALL, soft_parsing=False), 0.25),
    _descriptor("snadnet-small-blind", replace(SMALL, deconvolved_channels=0, refinement_pass=False), 0.25),
    _descriptor("snadnet-small-direct", replace(SMALL, residual_output=False), 0.25),
    _descriptor("snadnet-small-instance", replace(SMALL, normalization="instance"), 0.25),
    _descriptor("snadnet-small-once", replace(SMALL, refinement_pass=False), 0.25),
    _descriptor("snadnet-small-unshuffle4", SMALL_UNSHUFFLE_4, 0.25),
)
