"""SNADNet, stage II: the generator against the discriminator, under a frozen parser (paper, sections II-B to II-F)."""

from pathlib import Path
from typing import Annotated, Literal, Self

from accelerate import Accelerator
from pydantic import AfterValidator, Field, model_validator
from torch import Tensor, nn

from snadnet.data.dataset import FaceSample
from snadnet.data.image_folder import FaceFile
from snadnet.errors import ConfigError
from snadnet.losses import AdversarialWeights, GeneratorLoss, GeneratorOutcome, RegionWeights, complete_weights
from snadnet.models.checkpoint_io import load_state, read_weights
from snadnet.models.snadnet import SNADNet, SNADNetOutput
from snadnet.models.wiener import halve_kernel
from snadnet.training.config import LabelledSettings, StrictSettings
from snadnet.training.faces import check_labels
from snadnet.training.recipes.adversary import DISCRIMINATOR, AdversarialSettings, contest, discriminators
from snadnet.training.recipes.base import DeblurringRecipe, initial_network
from snadnet.training.recipes.regions import RegionFinder
from snadnet.training.recipes.wiener import kernel_divergence


class RefinementPassSettings(StrictSettings):
    """Training of a generator with a refinement pass; beyond the paper.

    Attributes:
        first_passes: Fraction of each batch whose first pass is what is learned from; of the others it is the second.
        kernel: Weight of the Kullback-Leibler divergence of the refined kernel from the true one. The losses of the
            image reach the kernel too, through the deconvolution.
    """

    first_passes: float = Field(0.25, ge=0, lt=1)
    kernel: float = Field(10.0, ge=0)


class SNADNetSettings(LabelledSettings):
    """Training the generator under a frozen parser.

    Attributes:
        parser: Weights file of the parser fine-tuned on blurred faces; a generator without SNAD layers leaves it out.
        wiener: Weights file of the blind deconvolution, for a generator that is conditioned on it; others leave it out.
        refinement_pass: For a generator with a refinement pass.
        losses: Weights of the terms of the loss (Eq. 15), by name in `snadnet.losses.GENERATOR_TERMS`.
        regions: Weights of Eq. 11.
        patches: Weights of Eq. 14.
        adversarial: The discriminator's settings.
    """

    recipe: Literal["snadnet"] = "snadnet"
    parser: Path | None = None
    wiener: Path | None = None
    refinement_pass: RefinementPassSettings = RefinementPassSettings()
    losses: Annotated[dict[str, float], AfterValidator(complete_weights)] = complete_weights({})
    regions: RegionWeights = RegionWeights()
    patches: AdversarialWeights = AdversarialWeights()
    adversarial: AdversarialSettings = AdversarialSettings()

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.adversarial.check_sizes(self.data)
        return self


class SNADNetRecipe(DeblurringRecipe[SNADNetSettings]):
    """Region reconstruction, texture and relativistic adversarial loss (Eq. 15); the parser never learns."""

    settings_type = SNADNetSettings

    def __init__(self, settings: SNADNetSettings, accelerator: Accelerator) -> None:
        super().__init__(settings, accelerator)
        self.regions = RegionFinder(settings, self.device)
        self.criterion = GeneratorLoss(
            settings.losses, region_weights=settings.regions, adversarial_weights=settings.patches
        ).to(self.device)
        self.critics |= discriminators(settings.adversarial, settings.data, accelerator)

    @classmethod
    def check_faces(cls, settings: SNADNetSettings, training: list[FaceFile], held_out: list[FaceFile]) -> None:
        """Refuse faces to train on without label maps, unless there is a parser to label them."""
        check_labels(settings, training)

    def build(self) -> nn.Module:
        """Build the whole network, with the conditioning networks' own weights."""
        network = initial_network(self.settings, SNADNet)
        self._load("parser", network.parser, self.settings.parser, "face parser")
        self._load("wiener", network.wiener, self.settings.wiener, "blind deconvolution")
        return network

    def _load(self, setting: str, part: nn.Module | None, weights: Path | None, title: str) -> None:
        """Load a conditioning network's weights, which a model that has it needs, and any other leaves out."""
        if part is None:
            if weights is not None:
                self.remarks.append(f"note: {setting} is left out: '{self.settings.model}' has no {title}")
        elif weights is None:
            raise ConfigError(f"{setting}: '{self.settings.model}' needs weights of the {title}")
        else:
            load_state(part, read_weights(weights)[1], weights)

    def training_step(self, batch: FaceSample, progress: float) -> dict[str, Tensor]:
        """Run the network; the discriminator joins in after its fraction of the training."""
        masks = self.regions(batch)
        first_passes = round(self.settings.refinement_pass.first_passes * len(batch.blurred))
        output: SNADNetOutput = self.trained(batch.blurred, first_pass_only=first_passes)
        values: dict[str, Tensor] = {}
        scores = None
        if progress >= self.settings.adversarial.start and DISCRIMINATOR in self.critics:
            critic = self.critics[DISCRIMINATOR]
            scores, values = contest(critic, output.restored, batch.sharp, self.settings.patches)
        outcome = GeneratorOutcome(output.restored, batch.sharp, masks, textures=output.textures, scores=scores)
        parts = self.criterion(outcome)
        values |= {"loss": parts.total, **parts.terms}
        if scores is None:
            del values["adversarial"]
        if output.kernel is not None:
            values["kernel"] = kernel_divergence(output.kernel.log_kernel, halve_kernel(batch.kernel[first_passes:]))
            values["loss"] = parts.total + self.settings.refinement_pass.kernel * values["kernel"]
        return values
