"""DeblurGAN-v2 (Kupyn et al. 2019, section 3.2): two relativistic critics, a perceptual and a pixel loss."""

from pathlib import Path
from typing import Literal, Self

import torch
from accelerate import Accelerator
from pydantic import Field, model_validator
from torch import Tensor, nn

from snadnet.data.dataset import FaceSample
from snadnet.losses import relativistic_average_critic_loss, relativistic_average_generator_loss
from snadnet.losses.perceptual import VGG_19, feature_error
from snadnet.losses.pixel import mean_squared_error
from snadnet.models.deblurganv2 import DoubleScaleCritic, DoubleScaleScores, Generator, load_backbone
from snadnet.training.config import OptimizerSettings, RunSettings, StrictSettings
from snadnet.training.learner import Critic, make_optimizer
from snadnet.training.recipes.base import DeblurringRecipe, initial_network
from snadnet.training.recipes.deblurgan import VGG_LAYER
from snadnet.training.recipes.perceptual import PerceptualSettings, left_out, load_features


class BackboneSettings(StrictSettings):
    """The ImageNet network that the pyramid stands on.

    Attributes:
        weights: Its ImageNet weights; without them it starts untrained, and the run says so.
        frozen: Share of the training, from its start, in which given weights stay as they are.
    """

    weights: Path | None = None
    frozen: float = Field(0.015, ge=0, le=1)


class DoubleScaleCriticSettings(StrictSettings):
    """The part of the patch critic and of the one for the whole image.

    Attributes:
        width: Channels after their first convolutions.
        optimizer: Of both.
    """

    width: int = Field(64, ge=1)
    optimizer: OptimizerSettings = OptimizerSettings(learning_rate=1e-4, betas=(0.9, 0.999))


class LossWeights(StrictSettings):
    """Weights of the generator's losses (paper, section 3.2).

    The authors' program takes the error of pixels after ImageNet's normalization, where it is 4.9 times as large as in
    [-1, 1]; its weight is 4.9 * 0.5 here, which keeps the published balance.

    Attributes:
        pixels: Squared error of pixels in ``[-1, 1]``.
        perceptual: Squared error of VGG-19's features.
        adversarial: Relativistic average least squares, the mean of both critics.
    """

    pixels: float = Field(2.45, ge=0)
    perceptual: float = Field(0.006, ge=0)
    adversarial: float = Field(0.01, ge=0)


class DeblurGANv2Settings(RunSettings):
    """Training DeblurGAN-v2.

    Attributes:
        backbone: The ImageNet network.
        losses: Weights of the generator's losses.
        perceptual: VGG-19.
        critic: The critics' settings.
    """

    recipe: Literal["deblurganv2"] = "deblurganv2"
    backbone: BackboneSettings = BackboneSettings()
    losses: LossWeights = LossWeights()
    perceptual: PerceptualSettings = PerceptualSettings()
    critic: DoubleScaleCriticSettings = DoubleScaleCriticSettings()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.initial is not None and self.backbone.weights is not None:
            raise ValueError("initial holds a backbone already; leave out one of initial and backbone.weights")
        return self


class DeblurGANv2Recipe(DeblurringRecipe[DeblurGANv2Settings]):
    """RaGAN-LS at two scales; averages are taken over the batch."""

    settings_type = DeblurGANv2Settings

    def __init__(self, settings: DeblurGANv2Settings, accelerator: Accelerator) -> None:
        super().__init__(settings, accelerator)
        self.features = load_features(settings.perceptual, VGG_19, [VGG_LAYER], self.device)
        if self.features is None:
            self.remarks.append(left_out(VGG_19))
        if settings.backbone.weights is None and settings.initial is None:
            self.remarks.append("note: backbone.weights names no file; the backbone starts without ImageNet weights")
        critic = DoubleScaleCritic(settings.critic.width)
        self.critic: Critic[DoubleScaleScores] = Critic(critic, settings.critic.optimizer, accelerator)
        self.critics["critic"] = self.critic

    def build(self) -> nn.Module:
        """Build the generator, with its backbone's weights if they are given."""
        self.generator = initial_network(self.settings, Generator)
        if self.settings.backbone.weights is not None:
            load_backbone(self.generator, self.settings.backbone.weights)
        return self.generator

    def make_optimizer(self) -> torch.optim.Optimizer:
        """Build one optimizer with two groups of parameters, the backbone's last."""
        backbone = list(self.generator.pyramid.backbone.parameters())
        known = {id(parameter) for parameter in backbone}
        others = [parameter for parameter in self.generator.parameters() if id(parameter) not in known]
        optimizer = make_optimizer(others, self.settings.optimizer)
        optimizer.add_param_group({"params": backbone})
        return optimizer

    def set_learning_rates(self, factor: float, progress: float) -> float:
        """Set them for critics and pyramid, and for the backbone as soon as that is no longer frozen."""
        rate = super().set_learning_rates(factor, progress)
        # A rate of 0, since processes that train together expect gradients of the same parameters at every step.
        if self.settings.backbone.weights is not None and progress < self.settings.backbone.frozen:
            self.learner.optimizer.param_groups[-1]["lr"] = 0.0
        return rate

    def training_step(self, batch: FaceSample, progress: float) -> dict[str, Tensor]:
        """Run the generator, teach the critics on its result, and let them judge."""
        weights = self.settings.losses
        sharp = self.values.from_unit(batch.sharp)
        restored: Tensor = self.trained(self.values.from_unit(batch.blurred))
        shown = restored.detach()
        learned = self.critic.learn(lambda critic: _critic_loss(critic(shown), critic(sharp)))
        adversarial = _generator_loss(self.critic.judge(restored), self.critic.judge_true(sharp))
        pixels = mean_squared_error(restored, sharp)
        total = weights.pixels * pixels + weights.adversarial * adversarial
        values = {"pixels": pixels, "adversarial": adversarial, "critic": learned}
        if self.features is not None:
            values["perceptual"] = feature_error(
                self.features, self.values.to_unit(restored), self.values.to_unit(sharp)
            )
            total = total + weights.perceptual * values["perceptual"]
        return {"loss": total, **values}


def _critic_loss(fake: DoubleScaleScores, real: DoubleScaleScores) -> Tensor:
    scales = zip(fake, real, strict=True)
    return torch.stack([relativistic_average_critic_loss(*scale) for scale in scales]).mean()


def _generator_loss(fake: DoubleScaleScores, real: DoubleScaleScores) -> Tensor:
    scales = zip(fake, real, strict=True)
    return torch.stack([relativistic_average_generator_loss(*scale) for scale in scales]).mean()
