"""The generator's whole loss (paper, Eq. 15; SPEC 9)."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from snadnet.losses.adversarial.relativistic import generator_loss
from snadnet.losses.pixel import psnr_loss
from snadnet.losses.region import RegionReconstructionLoss
from snadnet.losses.texture import TextureLoss
from snadnet.losses.weights import AdversarialWeights, GeneratorLossWeights, RegionWeights
from snadnet.models.snadnet.discriminator import DiscriminatorOutput


@dataclass(frozen=True)
class AdversarialScores:
    """The discriminator's outputs for restored images and for their sharp twins, in the same order."""

    fake: DiscriminatorOutput
    real: DiscriminatorOutput


@dataclass(frozen=True)
class GeneratorLossParts:
    """The generator's loss and its parts: scalars; the parts are not yet weighted by Eq. 15.

    Attributes:
        total: The weighted sum, to call ``backward`` on.
        reconstruction: Multi-region reconstruction loss (Eq. 11).
        adversarial: Relativistic adversarial loss (Eq. 14), 0 without a discriminator.
        texture: Texture loss (Eq. 12), 0 without predicted textures.
        fidelity: Negative PSNR in dB, 0 if it has no weight.
    """

    total: Tensor
    reconstruction: Tensor
    adversarial: Tensor
    texture: Tensor
    fidelity: Tensor


class GeneratorLoss(nn.Module):
    """``120 * reconstruction + 0.1 * adversarial + texture`` (Eq. 15), with each part told apart.

    Beyond the paper, the picture's PSNR can be given a weight of its own.
    """

    def __init__(
        self,
        weights: GeneratorLossWeights | None = None,
        *,
        region_weights: RegionWeights | None = None,
        adversarial_weights: AdversarialWeights | None = None,
    ) -> None:
        """Set the weights; None stands for the paper's."""
        super().__init__()
        self.weights = weights or GeneratorLossWeights()
        self.adversarial_weights = adversarial_weights or AdversarialWeights()
        self.reconstruction = RegionReconstructionLoss(region_weights)
        self.texture = TextureLoss()

    def forward(
        self,
        restored: Tensor,
        sharp: Tensor,
        masks: Tensor,
        *,
        textures: Sequence[Tensor] = (),
        scores: AdversarialScores | None = None,
    ) -> GeneratorLossParts:
        """Compute the loss and its parts.

        Args:
            restored: Restored images (B, 3, H, W), nominally in [0, 1].
            sharp: True images (B, 3, H, W) in [0, 1].
            masks: Region masks (B, 4, H, W) in [0, 1] in the order of ``REGIONS``.
            textures: Textures that the generator predicted, one (B, 3, h, w) a stage; none for a generator
                without texture enhancement.
            scores: The discriminator's outputs; None to train without it (as in a warm-up or an ablation).

        Returns:
            The total and its parts.

        Raises:
            ValueError: If shapes do not fit together.
        """
        reconstruction = self.reconstruction(restored, sharp, masks)
        texture = self.texture(textures, sharp)
        adversarial = fidelity = reconstruction.new_zeros(())
        if self.weights.fidelity:
            fidelity = psnr_loss(restored, sharp)
        if scores is not None:
            adversarial = generator_loss(scores.fake, scores.real, self.adversarial_weights)
        total = (
            self.weights.reconstruction * reconstruction
            + self.weights.adversarial * adversarial
            + self.weights.texture * texture
            + self.weights.fidelity * fidelity
        )
        return GeneratorLossParts(
            total=total, reconstruction=reconstruction, adversarial=adversarial, texture=texture, fidelity=fidelity
        )
