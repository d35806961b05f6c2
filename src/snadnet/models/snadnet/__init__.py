"""SNADNet: the paper's generator, its parts and its discriminator."""

from snadnet.models.snadnet.generator import (
    BASE,
    SMALL,
    SMALL_PAPER,
    SMALL_UNSHUFFLE_4,
    Generator,
    GeneratorConfig,
    GeneratorOutput,
)
from snadnet.models.snadnet.network import SNADNet, SNADNetOutput, size_multiple
from snadnet.models.snadnet.normalization import SeparableNormalization, separable_normalize
from snadnet.models.snadnet.snad import AdaptiveDenormalization, SNADLayer

__all__ = [
    "BASE",
    "SMALL",
    "SMALL_PAPER",
    "SMALL_UNSHUFFLE_4",
    "AdaptiveDenormalization",
    "Generator",
    "GeneratorConfig",
    "GeneratorOutput",
    "SNADLayer",
    "SNADNet",
    "SNADNetOutput",
    "SeparableNormalization",
    "separable_normalize",
    "size_multiple",
]
