"""The losses of SNADNet's training stages (paper, Eq. 2 and 10-17) and of the baselines, in PyTorch."""

from snadnet.losses.adversarial.relativistic import discriminator_loss, generator_loss, generator_losses
from snadnet.losses.adversarial.relativistic_average import (
    relativistic_average_critic_loss,
    relativistic_average_generator_loss,
)
from snadnet.losses.adversarial.wasserstein import gradient_penalty, wasserstein_critic_loss, wasserstein_generator_loss
from snadnet.losses.confidence import confidence_guided_loss, confidence_penalty, slope_loss
from snadnet.losses.focal import FocalLoss
from snadnet.losses.pixel import PIXEL_LOSSES
from snadnet.losses.region import RegionReconstructionLoss, region_errors
from snadnet.losses.region_masks import region_masks
from snadnet.losses.texture import TextureLoss
from snadnet.losses.total import (
    GENERATOR_TERMS,
    AdversarialScores,
    GeneratorLoss,
    GeneratorLossParts,
    GeneratorOutcome,
    GeneratorTerm,
    complete_weights,
)
from snadnet.losses.weights import AdversarialWeights, RegionWeights

__all__ = [
    "GENERATOR_TERMS",
    "PIXEL_LOSSES",
    "AdversarialScores",
    "AdversarialWeights",
    "FocalLoss",
    "GeneratorLoss",
    "GeneratorLossParts",
    "GeneratorOutcome",
    "GeneratorTerm",
    "RegionReconstructionLoss",
    "RegionWeights",
    "TextureLoss",
    "complete_weights",
    "confidence_guided_loss",
    "confidence_penalty",
    "discriminator_loss",
    "generator_loss",
    "generator_losses",
    "gradient_penalty",
    "region_errors",
    "region_masks",
    "relativistic_average_critic_loss",
    "relativistic_average_generator_loss",
    "slope_loss",
    "wasserstein_critic_loss",
    "wasserstein_generator_loss",
]
