"""SNADNet and the full-size pass over it, trained together: each by its own losses, and the first by the pass's too."""

from typing import Literal

import torch
from accelerate import Accelerator
from pydantic import Field
from torch import Tensor, nn

from snadnet.data.dataset import FaceSample
from snadnet.data.image_folder import FaceFile
from snadnet.losses import PIXEL_LOSSES, GeneratorLoss, GeneratorOutcome
from snadnet.models.snadnet import FullSizeOutput, FullSizeSNADNet, SNADNet, SNADNetOutput, draft_of
from snadnet.models.wiener import halve_kernel
from snadnet.training.faces import check_labels
from snadnet.training.learner import make_grouped_optimizer
from snadnet.training.recipes.base import DeblurringRecipe, initial_network
from snadnet.training.recipes.full_size import (
    PassSettings,
    in_the_middle,
    kernel_distance,
    kernel_loss,
    pass_losses,
    pass_rates,
)
from snadnet.training.recipes.regions import RegionFinder
from snadnet.training.recipes.snadnet import RefinementPassSettings
from snadnet.training.recipes.wiener import kernel_divergence


class JointSettings(PassSettings):
    """Training a SNADNet and its full-size pass together, from weights of both. The losses are those of either.

    Attributes:
        first_rate: The learning rate of the SNADNet's generator and refiner, as a share of the others'.
        first_weight: Weight of the SNADNet's own losses.
        refinement_pass: Of the SNADNet.
    """

    recipe: Literal["joint"] = "joint"
    first_rate: float = Field(1.0, gt=0)
    first_weight: float = Field(1.0, ge=0)
    refinement_pass: RefinementPassSettings = RefinementPassSettings()


class _Together(nn.Module):
    """What is trained: one forward pass through both, which tells what each made of the faces."""

    def __init__(self, whole: FullSizeSNADNet) -> None:
        super().__init__()
        self.whole = whole

    def forward(self, blurred: Tensor, first_passes: int) -> tuple[SNADNetOutput, FullSizeOutput]:
        """Restore faces ``(B, 3, H, W)``, of which the first ``first_passes`` get SNADNet's first pass alone."""
        assert isinstance(self.whole.first, SNADNet)
        first: SNADNetOutput = self.whole.first(blurred, first_pass_only=first_passes)
        kernel = first.full_size_kernel
        assert kernel is not None
        given, restored = blurred[first_passes:], first.restored[first_passes:].float().clamp(0.0, 1.0)
        # What the refiner sees is measured on the face; only the face itself and the estimate pass gradients on.
        draft = draft_of(given, restored, kernel)._replace(restored=restored, kernel=kernel)
        output: FullSizeOutput = self.whole(given, draft)
        return first, output


class JointRecipe(DeblurringRecipe[JointSettings]):
    """The losses of SNADNet's stage II without a discriminator, and those of the full-size pass."""

    settings_type = JointSettings

    def __init__(self, settings: JointSettings, accelerator: Accelerator) -> None:
        super().__init__(settings, accelerator)
        self.regions = RegionFinder(settings, self.device)
        self.criterion = GeneratorLoss(settings.losses, region_weights=settings.regions).to(self.device)

    @classmethod
    def check_faces(cls, settings: JointSettings, training: list[FaceFile], held_out: list[FaceFile]) -> None:
        """Refuse faces to train on without label maps, unless there is a parser to label them."""
        check_labels(settings, training)

    def build(self) -> nn.Module:
        """Build the whole network; all of it learns but the parser and the first estimate of the kernel."""
        self.whole = initial_network(self.settings, FullSizeSNADNet)
        self.whole.free_first()
        return _Together(self.whole)

    def make_optimizer(self) -> torch.optim.Optimizer:
        """Build the optimizer, in which every part has its own share of the learning rate."""
        parts = pass_rates(self.whole, self.settings) | {self.whole.first: self.settings.first_rate}
        return make_grouped_optimizer(parts, self.settings.optimizer)

    def training_step(self, batch: FaceSample, progress: float) -> dict[str, Tensor]:
        """Run both networks, and join their losses."""
        masks = self.regions(batch)
        first_passes = round(self.settings.refinement_pass.first_passes * len(batch.blurred))
        again = slice(first_passes, None)
        first, output = self.trained(batch.blurred, first_passes)
        sharp, kernel = batch.sharp[again], batch.kernel[again]
        true = in_the_middle(kernel, output.log_kernel.shape[-1])
        values: dict[str, Tensor] = pass_losses(
            output, sharp, masks[again], criterion=self.criterion, earlier=self.settings.earlier
        )
        own = self.criterion(GeneratorOutcome(first.restored, batch.sharp, masks, textures=first.textures)).total
        divergence = kernel_divergence(first.kernel.log_kernel, halve_kernel(kernel))
        own = own + self.settings.refinement_pass.kernel * divergence
        values["loss"] = (
            values["loss"]
            + self.settings.kernel * kernel_loss(output.log_kernel, true)
            + self.settings.first_weight * own
        )
        psnr = PIXEL_LOSSES["psnr"]
        gain = psnr(first.restored[again].detach(), sharp) - psnr(output.restored.detach(), sharp)
        return values | {"kernel": kernel_distance(output.log_kernel, true), "divergence": divergence, "gain": gain}

    def released(self, average: nn.Module) -> nn.Module:
        """Return the whole network with the averaged weights."""
        assert isinstance(average, _Together)
        return average.whole
