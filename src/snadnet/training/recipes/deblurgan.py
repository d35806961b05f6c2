"""DeblurGAN (Kupyn et al. 2018, section 3.1): a Wasserstein critic and a perceptual loss."""

from typing import Literal

from accelerate import Accelerator
from pydantic import Field
from torch import Tensor, nn

from snadnet.data.dataset import FaceSample
from snadnet.losses import gradient_penalty, wasserstein_critic_loss, wasserstein_generator_loss
from snadnet.losses.perceptual import VGG_19, feature_error
from snadnet.losses.pixel import mean_squared_error
from snadnet.models.deblurgan import Generator, PatchCritic
from snadnet.training.config import OptimizerSettings, RunSettings, StrictSettings
from snadnet.training.learner import Critic
from snadnet.training.recipes.base import DeblurringRecipe, initial_network
from snadnet.training.recipes.perceptual import PerceptualSettings, left_out, load_features

VGG_LAYER = 14
"""VGG-19's third convolution of the third block, before its ReLU, in torchvision's counting."""


class WassersteinCriticSettings(StrictSettings):
    """The patch critic's part.

    Attributes:
        width: Channels after its first convolution.
        steps: Its own steps on each batch, before the generator's.
        penalty: Weight of the gradient penalty.
        optimizer: Its own.
    """

    width: int = Field(64, ge=1)
    steps: int = Field(5, ge=1)
    penalty: float = Field(10.0, ge=0)
    optimizer: OptimizerSettings = OptimizerSettings(learning_rate=1e-4)


class DeblurGANSettings(RunSettings):
    """Training DeblurGAN.

    Attributes:
        content: Weight of the content loss beside the adversarial one: the squared error of VGG-19's features, or of
            pixels in [-1, 1] where VGG-19 is not given. The authors' program has 100, but feeds VGG-19 images in
            [-1, 1]; here they are normalized as ImageNet's, the error is 5.3 times as large, and 19 keeps the balance.
        perceptual: VGG-19.
        critic: The critic's settings.
    """

    recipe: Literal["deblurgan"] = "deblurgan"
    content: float = Field(19.0, ge=0)
    perceptual: PerceptualSettings = PerceptualSettings()
    critic: WassersteinCriticSettings = WassersteinCriticSettings()


class DeblurGANRecipe(DeblurringRecipe[DeblurGANSettings]):
    """WGAN-GP with five critic steps to one of the generator, on the same batch."""

    settings_type = DeblurGANSettings

    def __init__(self, settings: DeblurGANSettings, accelerator: Accelerator) -> None:
        super().__init__(settings, accelerator)
        self.features = load_features(settings.perceptual, VGG_19, [VGG_LAYER], self.device)
        if self.features is None:
            self.remarks.append(left_out(VGG_19, "the squared error of pixels takes its place as the content loss"))
        critic = PatchCritic(width=settings.critic.width)
        self.critic: Critic[Tensor] = Critic(critic, settings.critic.optimizer, accelerator)
        self.critics["critic"] = self.critic

    def build(self) -> nn.Module:
        """Build the generator."""
        return initial_network(self.settings, Generator)

    def training_step(self, batch: FaceSample, progress: float) -> dict[str, Tensor]:
        """Run the generator, teach the critic on its result, and let it judge."""
        sharp = self.values.from_unit(batch.sharp)
        restored: Tensor = self.trained(self.values.from_unit(batch.blurred))
        shown = restored.detach()
        for _ in range(self.settings.critic.steps):
            learned = self.critic.learn(lambda critic: self._critic_loss(critic, shown, sharp))
        adversarial = wasserstein_generator_loss(self.critic.judge(restored))
        content = self._content(restored, sharp)
        total = adversarial + self.settings.content * content
        return {"loss": total, "content": content, "adversarial": adversarial, "critic": learned}

    def _critic_loss(self, critic: nn.Module, restored: Tensor, sharp: Tensor) -> Tensor:
        penalty = gradient_penalty(critic, restored, sharp)
        return wasserstein_critic_loss(critic(restored), critic(sharp)) + self.settings.critic.penalty * penalty

    def _content(self, restored: Tensor, sharp: Tensor) -> Tensor:
        if self.features is None:
            return mean_squared_error(restored, sharp)
        return feature_error(self.features, self.values.to_unit(restored), self.values.to_unit(sharp))
