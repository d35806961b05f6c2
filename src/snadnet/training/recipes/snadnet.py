"""SNADNet, stage II: the generator against the discriminator, under a frozen parser (paper, II-B to II-F; SPEC 1)."""

from pathlib import Path
from typing import Literal, Self

from accelerate import Accelerator
from pydantic import Field, model_validator
from torch import Tensor, nn

from snadnet.data.dataset import FaceSample
from snadnet.errors import ConfigError
from snadnet.losses import (
    AdversarialScores,
    AdversarialWeights,
    GeneratorLoss,
    GeneratorLossWeights,
    RegionWeights,
    discriminator_loss,
)
from snadnet.models.checkpoint_io import load_state, read_weights
from snadnet.models.snadnet import SNADNet, SNADNetOutput
from snadnet.models.snadnet.discriminator import DiscriminatorOutput, MultiPatchDiscriminator
from snadnet.models.wiener import halve_kernel
from snadnet.training.config import OptimizerSettings, RegionSettings, StrictSettings
from snadnet.training.recipes.base import Recipe, initial_network
from snadnet.training.recipes.critic import Critic
from snadnet.training.recipes.regions import RegionFinder
from snadnet.training.recipes.wiener import kernel_divergence
from snadnet.training.run import Run


class AdversarialSettings(StrictSettings):
    """The multi-patch discriminator's part.

    Attributes:
        start: share of the training after which it comes in; 1 leaves it out.
        width: channels of its first block.
        optimizer: its own.
    """

    start: float = Field(0.0, ge=0, le=1)
    width: int = Field(64, ge=8)
    optimizer: OptimizerSettings = OptimizerSettings()


class SecondLookSettings(StrictSettings):
    """How a generator that looks twice learns; beyond the paper.

    Attributes:
        first_looks: share of each batch whose first look is what is learned from; of the others it is the second.
        kernel: weight of the Kullback-Leibler divergence of the refined kernel from the true one. The losses of the
            picture reach the kernel too, through the deconvolution.
    """

    first_looks: float = Field(0.25, ge=0, lt=1)
    kernel: float = Field(10.0, ge=0)


class SNADNetSettings(RegionSettings):
    """Training the generator under a frozen parser.

    Attributes:
        parser: weights file of the parser fine-tuned on blurred faces.
        wiener: weights file of the blind deconvolution, for a generator that is guided by it.
        second_look: for a generator that looks twice.
        losses: weights of Eq. 15.
        regions: weights of Eq. 11.
        patches: weights of Eq. 14.
        adversarial: the discriminator's settings.
    """

    recipe: Literal["snadnet"] = "snadnet"
    parser: Path
    wiener: Path | None = None
    second_look: SecondLookSettings = SecondLookSettings()
    losses: GeneratorLossWeights = GeneratorLossWeights()
    regions: RegionWeights = RegionWeights()
    patches: AdversarialWeights = AdversarialWeights()
    adversarial: AdversarialSettings = AdversarialSettings()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.adversarial.start < 1 and len(self.data.sizes) > 1:
            raise ValueError("adversarial training takes one picture size; give one entry in data.sizes")
        return self


class SNADNetRecipe(Recipe[SNADNetSettings]):
    """Region reconstruction, texture and relativistic adversarial loss (Eq. 15); the parser never learns."""

    settings_type = SNADNetSettings

    def __init__(self, settings: SNADNetSettings, accelerator: Accelerator) -> None:
        super().__init__(settings, accelerator)
        self.regions = RegionFinder(settings, self.device)
        self.criterion = GeneratorLoss(
            settings.losses, region_weights=settings.regions, adversarial_weights=settings.patches
        ).to(self.device)
        if settings.adversarial.start < 1:
            network = MultiPatchDiscriminator(settings.data.sizes[0].size, width=settings.adversarial.width)
            self.critics["discriminator"] = Critic(network, settings.adversarial.optimizer, accelerator)

    def build(self) -> nn.Module:
        """Build the whole network, with the guides' own weights."""
        network = initial_network(self.settings, SNADNet)
        load_state(network.parser, read_weights(self.settings.parser)[1], self.settings.parser)
        if (network.wiener is None) != (self.settings.wiener is None):
            verb = "needs" if self.settings.wiener is None else "takes no"
            raise ConfigError(f"wiener: '{self.settings.model}' {verb} weights of the blind deconvolution")
        if network.wiener is not None and self.settings.wiener is not None:
            load_state(network.wiener, read_weights(self.settings.wiener)[1], self.settings.wiener)
        return network

    def losses(self, batch: FaceSample, run: Run, share: float) -> dict[str, Tensor]:
        """Run the network; the discriminator joins in after its share of the training."""
        masks = self.regions(batch)
        first_looks = round(self.settings.second_look.first_looks * len(batch.blurred))
        output: SNADNetOutput = self.trained(batch.blurred, first_pass_only=first_looks)
        values: dict[str, Tensor] = {}
        judged = None
        if share >= self.settings.adversarial.start and "discriminator" in self.critics:
            values["critic"] = self._teach(output.restored.detach(), batch.sharp, run)
            judged = self._judge(output.restored, batch.sharp)
        parts = self.criterion(output.restored, batch.sharp, masks, textures=output.textures, scores=judged)
        values |= {"loss": parts.total, "reconstruction": parts.reconstruction, "texture": parts.texture}
        if output.kernel is not None:
            values["kernel"] = kernel_divergence(output.kernel.log_kernel, halve_kernel(batch.kernel[first_looks:]))
            values["loss"] = parts.total + self.settings.second_look.kernel * values["kernel"]
        if self.settings.losses.fidelity:
            values["fidelity"] = parts.fidelity
        return values if judged is None else values | {"adversarial": parts.adversarial}

    def _teach(self, restored: Tensor, sharp: Tensor, run: Run) -> Tensor:
        return self.critics["discriminator"].learn(
            run, lambda critic: discriminator_loss(critic(restored), critic(sharp), self.settings.patches)
        )

    def _judge(self, restored: Tensor, sharp: Tensor) -> AdversarialScores:
        critic: Critic[DiscriminatorOutput] = self.critics["discriminator"]
        return AdversarialScores(fake=critic.judge(restored), real=critic.judge_true(sharp))
