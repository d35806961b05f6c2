"""The generator's whole loss (paper, Eq. 15): a weighted sum of terms, open to new ones.

A new term is a function of `GeneratorOutcome` in a file of its own, and one line in `GENERATOR_TERMS`;
configuration files then give it a weight by its name. A pixel loss of `snadnet.losses.pixel.PIXEL_LOSSES` is a
term without any further line.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from torch import Tensor, nn

from snadnet.errors import ConfigError
from snadnet.losses.adversarial.relativistic import generator_loss
from snadnet.losses.pixel import PIXEL_LOSSES
from snadnet.losses.region import RegionReconstructionLoss
from snadnet.losses.texture import TextureLoss
from snadnet.losses.weights import AdversarialWeights, RegionWeights
from snadnet.models.snadnet.discriminator import DiscriminatorOutput


@dataclass(frozen=True)
class AdversarialScores:
    """The discriminator's outputs for restored images and for their sharp twins, in the same order."""

    fake: DiscriminatorOutput
    real: DiscriminatorOutput


@dataclass(frozen=True)
class GeneratorOutcome:
    """A batch as the terms of the loss see it.

    Attributes:
        restored: Restored images (B, 3, H, W), nominally in [0, 1].
        sharp: True images (B, 3, H, W) in [0, 1].
        masks: Region masks (B, 4, H, W) in [0, 1] in the order of ``REGIONS``.
        textures: Textures that the generator predicted, one (B, 3, h, w) a stage; none for a generator without
            texture enhancement.
        scores: The discriminator's outputs; None to train without it (as in a warm-up or an ablation).
    """

    restored: Tensor
    sharp: Tensor
    masks: Tensor
    textures: Sequence[Tensor] = ()
    scores: AdversarialScores | None = None


class TermOptions(NamedTuple):
    """Options of the terms: the weights of the regions (Eq. 11) and of the discriminator's outputs (Eq. 14)."""

    regions: RegionWeights
    adversarial: AdversarialWeights


TermFunction = Callable[[GeneratorOutcome], Tensor]


@dataclass(frozen=True)
class GeneratorTerm:
    """A term of the generator's loss.

    Attributes:
        weight: Its weight unless a configuration gives another; a term of weight 0 is not computed.
        build: Makes the function (or module) that maps a `GeneratorOutcome` to a scalar, at least float32.
    """

    weight: float
    build: Callable[[TermOptions], TermFunction]


class _Reconstruction(nn.Module):
    """Multi-region reconstruction loss (Eq. 11)."""

    def __init__(self, options: TermOptions) -> None:
        super().__init__()
        self.loss = RegionReconstructionLoss(options.regions)

    def forward(self, outcome: GeneratorOutcome) -> Tensor:
        loss: Tensor = self.loss(outcome.restored, outcome.sharp, outcome.masks)
        return loss


class _Texture(nn.Module):
    """Texture loss (Eq. 12), 0 without predicted textures."""

    def __init__(self, options: TermOptions) -> None:
        super().__init__()
        self.loss = TextureLoss()

    def forward(self, outcome: GeneratorOutcome) -> Tensor:
        loss: Tensor = self.loss(outcome.textures, outcome.sharp)
        return loss


def _adversarial(options: TermOptions) -> TermFunction:
    """Relativistic adversarial loss (Eq. 14), 0 without a discriminator."""

    def loss(outcome: GeneratorOutcome) -> Tensor:
        if outcome.scores is None:
            return outcome.sharp.new_zeros(())
        return generator_loss(outcome.scores.fake, outcome.scores.real, options.adversarial)

    return loss


def _pixel(name: str) -> Callable[[TermOptions], TermFunction]:
    def build(options: TermOptions) -> TermFunction:
        return lambda outcome: PIXEL_LOSSES[name](outcome.restored, outcome.sharp)

    return build


GENERATOR_TERMS: Final[Mapping[str, GeneratorTerm]] = MappingProxyType(
    {
        "reconstruction": GeneratorTerm(120.0, _Reconstruction),
        "adversarial": GeneratorTerm(0.1, _adversarial),
        "texture": GeneratorTerm(1.0, _Texture),
        "fidelity": GeneratorTerm(0.0, _pixel("psnr")),  # negative PSNR in dB; beyond the paper
        **{name: GeneratorTerm(0.0, _pixel(name)) for name in PIXEL_LOSSES},
    }
)
"""All terms by name, with the paper's weights (Eq. 15)."""


def complete_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """Return the weights of the terms that count: those given, and of the others the defaults above 0.

    Raises:
        ConfigError: If there is no such term, or a weight is negative or not finite.
    """
    for name, weight in weights.items():
        if name not in GENERATOR_TERMS:
            raise ConfigError(f"losses.{name}: there is no such term; choose of: {', '.join(GENERATOR_TERMS)}")
        if not (math.isfinite(weight) and weight >= 0):
            raise ConfigError(f"losses.{name}: must be a finite number of at least 0, got {weight}")
    whole = {name: float(weights.get(name, term.weight)) for name, term in GENERATOR_TERMS.items()}
    return {name: weight for name, weight in whole.items() if weight or GENERATOR_TERMS[name].weight}


@dataclass(frozen=True)
class GeneratorLossParts:
    """The generator's loss and its terms: scalars; the terms are not yet weighted.

    Attributes:
        total: The weighted sum, to call ``backward`` on.
        terms: The terms by name.
    """

    total: Tensor
    terms: Mapping[str, Tensor]


class GeneratorLoss(nn.Module):
    """``120 * reconstruction + 0.1 * adversarial + texture`` (Eq. 15), or other terms by other weights.

    Args:
        weights: Of the terms of `GENERATOR_TERMS`; those left out have the paper's.
        region_weights: Of Eq. 11; None stands for the paper's.
        adversarial_weights: Of Eq. 14; None stands for the paper's.

    Raises:
        ConfigError: If there is no such term, or a weight is negative or not finite.
    """

    def __init__(
        self,
        weights: Mapping[str, float] | None = None,
        *,
        region_weights: RegionWeights | None = None,
        adversarial_weights: AdversarialWeights | None = None,
    ) -> None:
        super().__init__()
        self.weights = complete_weights(weights or {})
        options = TermOptions(region_weights or RegionWeights(), adversarial_weights or AdversarialWeights())
        self.terms = {name: GENERATOR_TERMS[name].build(options) for name in self.weights}
        # So that buffers go to the device with the loss.
        self.modules_of_terms = nn.ModuleList(term for term in self.terms.values() if isinstance(term, nn.Module))

    def forward(self, outcome: GeneratorOutcome) -> GeneratorLossParts:
        """Compute the loss and its terms.

        Raises:
            ValueError: If shapes do not fit together.
        """
        terms = {name: term(outcome) for name, term in self.terms.items()}
        total = sum((self.weights[name] * term for name, term in terms.items()), outcome.sharp.new_zeros(()))
        return GeneratorLossParts(total=total, terms=terms)
