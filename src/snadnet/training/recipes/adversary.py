"""The multi-patch discriminator beside a network that restores faces (paper, Fig. 6 and section II-F)."""

from typing import Final

from accelerate import Accelerator
from pydantic import Field
from torch import Tensor

from snadnet.losses import AdversarialScores, AdversarialWeights, discriminator_loss, generator_losses
from snadnet.models.snadnet.discriminator import DiscriminatorOutput, MultiPatchDiscriminator
from snadnet.training.config import DataSettings, OptimizerSettings, StrictSettings
from snadnet.training.learner import Critic

DISCRIMINATOR: Final = "discriminator"


class AdversarialSettings(StrictSettings):
    """The multi-patch discriminator's part.

    Attributes:
        start: Fraction of the training after which it comes in; 1 leaves it out.
        width: Channels of its first block.
        optimizer: Its own.
    """

    start: float = Field(0.0, ge=0, le=1)
    width: int = Field(64, ge=8)
    optimizer: OptimizerSettings = OptimizerSettings()

    def check_sizes(self, data: DataSettings) -> None:
        """Refuse several image sizes where there is to be a discriminator.

        Raises:
            ValueError: If there are.
        """
        if self.start < 1 and len(data.sizes) > 1:
            raise ValueError("adversarial training takes one image size; give one entry in data.sizes")


def discriminators(
    settings: AdversarialSettings, data: DataSettings, accelerator: Accelerator
) -> dict[str, Critic[DiscriminatorOutput]]:
    """Build the discriminator for faces of the training's size, by its name; nothing if it is left out."""
    if settings.start >= 1:
        return {}
    network = MultiPatchDiscriminator(data.sizes[0].size, width=settings.width)
    return {DISCRIMINATOR: Critic(network, settings.optimizer, accelerator)}


def contest(
    critic: Critic[DiscriminatorOutput], restored: Tensor, sharp: Tensor, weights: AdversarialWeights
) -> tuple[AdversarialScores, dict[str, Tensor]]:
    """Let the discriminator take its step, then judge for the step of what restored the faces.

    Args:
        critic: The discriminator.
        restored: ``(B, 3, S, S)``, about ``[0, 1]``; the scores pass gradients to it.
        sharp: The same shape.
        weights: Of Eq. 14.

    Returns:
        The scores, and what is to be logged: its own loss, and that of each of its outputs.
    """
    taught = critic.learn(lambda network: discriminator_loss(network(restored.detach()), network(sharp), weights))
    scores = AdversarialScores(fake=critic.judge(restored), real=critic.judge_true(sharp))
    each = generator_losses(scores.fake, scores.real)
    return scores, {"critic": taught, **{f"adversarial_{name}": loss.detach() for name, loss in each.items()}}
