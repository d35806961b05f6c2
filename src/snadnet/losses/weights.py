"""Weights within losses, with the paper's values as defaults (Eq. 11 and 14)."""

import math
from dataclasses import dataclass, fields

from snadnet.errors import ConfigError


@dataclass(frozen=True)
class _Weights:
    """Base of the weights: every field is a finite number of at least 0."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(
                    f"{type(self).__name__}.{field.name} must be a finite number of at least 0, got {value}"
                )


@dataclass(frozen=True)
class RegionWeights(_Weights):
    """Weights of the four regions of the reconstruction loss (Eq. 11), in the order of ``REGIONS``.

    Raises:
        ConfigError: If a weight is negative or not finite.
    """

    skin: float = 12.0
    facial: float = 10.0
    hair: float = 8.0
    back: float = 6.0


@dataclass(frozen=True)
class AdversarialWeights(_Weights):
    """Weights of the discriminator's four outputs (Eq. 14 and 17), by receptive field.

    Attributes:
        small: The patch map of the smallest receptive field (the largest map).
        medium: The middle patch map.
        large: The patch map of the largest receptive field (the smallest map).
        whole: The score of the whole image.

    Raises:
        ConfigError: If a weight is negative or not finite.
    """

    small: float = 0.2
    medium: float = 0.4
    large: float = 0.8
    whole: float = 1.0
