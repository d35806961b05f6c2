"""The losses of SNADNet's training stages (paper, Eq. 2 and 10-17; SPEC 9) and of the baselines, in PyTorch."""

from snadnet.losses.adversarial import discriminator_loss, generator_loss
from snadnet.losses.focal import FocalLoss
from snadnet.losses.pixels import PIXEL_LOSSES
from snadnet.losses.reconstruction import RegionReconstructionLoss, region_errors
from snadnet.losses.regions import region_masks, region_masks_from_probabilities
from snadnet.losses.texture import TextureLoss
from snadnet.losses.total import AdversarialScores, GeneratorLoss, GeneratorLossParts
from snadnet.losses.weights import AdversarialWeights, GeneratorLossWeights, RegionWeights

__all__ = [
    "PIXEL_LOSSES",
    "AdversarialScores",
    "AdversarialWeights",
    "FocalLoss",
    "GeneratorLoss",
    "GeneratorLossParts",
    "GeneratorLossWeights",
    "RegionReconstructionLoss",
    "RegionWeights",
    "TextureLoss",
    "discriminator_loss",
    "generator_loss",
    "region_errors",
    "region_masks",
    "region_masks_from_probabilities",
]
