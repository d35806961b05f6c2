"""The full-size pass: its refiner of the kernel, its denoiser, then all of it by the restored faces."""

import copy
from collections.abc import Generator
from pathlib import Path
from typing import Annotated, Literal, Self

import torch
from accelerate import Accelerator
from pydantic import AfterValidator, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.data.dataset import FaceDataset, FaceSample
from snadnet.data.image_folder import FaceFile
from snadnet.losses import (
    PIXEL_LOSSES,
    AdversarialScores,
    AdversarialWeights,
    GeneratorLoss,
    GeneratorOutcome,
    RegionWeights,
    complete_weights,
    region_masks,
)
from snadnet.models.checkpoint_io import load_state, read_weights
from snadnet.models.snadnet import Draft, FullSizeOutput, FullSizeSNADNet
from snadnet.training.config import LabelledSettings
from snadnet.training.first_results import DraftedSample, FirstResults, build_first_results, mirrored
from snadnet.training.learner import make_grouped_optimizer
from snadnet.training.recipes.adversary import DISCRIMINATOR, AdversarialSettings, contest, discriminators
from snadnet.training.recipes.base import DeblurringRecipe, initial_network
from snadnet.training.recipes.kept import KeptSettings, all_made, draws
from snadnet.training.recipes.regions import RegionFinder
from snadnet.training.run import Run

_SMALLEST = 1e-9
_LITTLE_NOISE = 0.02


class PassSettings(LabelledSettings):
    """Training all of a full-size pass.

    Attributes:
        refiner_rate: The learning rate of the refiner and of the turn's estimator, as a share of the others'.
        step_rate: Likewise that of the data steps.
        kernel: Weight of the kernel's L1 distance from the true one, less a tenth of its log-likelihood.
        earlier: Weight of the faces after each round but the last, whose own is 1.
        losses: Weights of the terms of the loss (Eq. 15), by name in `snadnet.losses.GENERATOR_TERMS`.
        regions: Weights of Eq. 11.
    """

    refiner_rate: float = Field(0.1, gt=0, le=1)
    step_rate: float = Field(5.0, gt=0)
    kernel: float = Field(10.0, ge=0)
    earlier: float = Field(0.15, ge=0)
    losses: Annotated[dict[str, float], AfterValidator(complete_weights)] = complete_weights({})
    regions: RegionWeights = RegionWeights()


class FullSizeSettings(PassSettings):
    """Training the full-size pass, on top of a finished network that is frozen.

    Attributes:
        first: Weights file of the finished network, to begin with; None if ``initial`` holds all. Without ``initial``,
            a pass over a network that has one itself begins with the weights of that.
        first_results: Its results on disk; None runs the finished network in every step, on ever new faces.
        learn: ``kernel``: the refiner alone, by the true kernels; ``denoiser``: the denoiser alone, on sharp faces with
            plain noise, which is quick and a good start; ``all``: all of the pass, by the faces after each round.
        level: Largest standard deviation of the plain noise, of values in ``[0, 1]``.
        true_kernel: The true kernel takes the place of the refined one, which tells what there is to be gained.
        adversarial: The discriminator of the faces after the last round, where all is learned; left out by default.
        patches: Weights of Eq. 14.
    """

    recipe: Literal["full-size"] = "full-size"
    first: Path | None = None
    first_results: KeptSettings | None = None
    learn: Literal["kernel", "denoiser", "all"] = "all"
    level: float = Field(50.0 / 255.0, gt=0, le=1)
    true_kernel: bool = False
    adversarial: AdversarialSettings = AdversarialSettings(start=1.0)
    patches: AdversarialWeights = AdversarialWeights()

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.adversarial.check_sizes(self.data)
        if self.adversarial.start < 1 and self.learn != "all":
            raise ValueError(f"a discriminator is for learn: all, and not for learn: {self.learn}")
        return self


class FullSizeRecipe(DeblurringRecipe[FullSizeSettings]):
    """Kernel distance, region reconstruction and the face's PSNR; the finished network never learns."""

    settings_type = FullSizeSettings

    def __init__(self, settings: FullSizeSettings, accelerator: Accelerator) -> None:
        super().__init__(settings, accelerator)
        self.regions = RegionFinder(settings, self.device)
        self.criterion = GeneratorLoss(
            settings.losses, region_weights=settings.regions, adversarial_weights=settings.patches
        ).to(self.device)
        self.critics |= discriminators(settings.adversarial, settings.data, accelerator)

    def build(self) -> nn.Module:
        """Build the whole network; what is returned is the part that learns."""
        network = initial_network(self.settings, FullSizeSNADNet)
        if self.settings.first is not None:
            load_state(network.first, read_weights(self.settings.first)[1], self.settings.first)
            if self.settings.initial is None and isinstance(network.first, FullSizeSNADNet):
                # What it is shown is much alike.
                network.refiner.load_state_dict(network.first.refiner.state_dict())
                network.deconvolution.begin_as(network.first.deconvolution)
        self.whole = network.to(self.device)
        return self._part(self.whole)

    def _part(self, network: FullSizeSNADNet) -> nn.Module:
        parts = {"kernel": network.refiner, "denoiser": network.deconvolution.denoiser, "all": network}
        return parts[self.settings.learn]

    def make_optimizer(self) -> torch.optim.Optimizer:
        """Build the optimizer; where all is learned, the refiner and the data steps have groups of their own."""
        if self.settings.learn != "all":
            return super().make_optimizer()
        return make_grouped_optimizer(pass_rates(self.whole, self.settings), self.settings.optimizer)

    def batches(self, faces: list[FaceFile], run: Run) -> Generator[FaceSample, None, None]:
        """Yield faces with their first results, in an order that is settled by the step's number."""
        kept = self.settings.first_results
        if kept is None:
            yield from super().batches(faces, run)
            return
        sizes = self.settings.data.sizes
        counts = kept.counts(sizes, self.accelerator, "first_results")
        data = self.settings.data
        assert self.settings.label_parser is not None
        builds = build_first_results(
            kept.folder,
            FaceDataset(faces, data.degradation, data.augmentation, seed=self.settings.seed),
            counts,
            network=self.whole,
            label_parser=self.settings.label_parser,
            bfloat16=self.settings.precision == "bf16",
        )
        if not all_made(builds, kept.folder, run, "first results"):
            return
        side = self.whole.kernel_side
        stores = [FirstResults(kept.folder, size, count, kernel_side=side) for size, count in counts.items()]
        written = [store.count for store in stores]
        symmetries = 2 if self.settings.learn == "all" else 8
        for draw in draws(sizes, written, symmetries=symmetries, seed=self.settings.seed, start=run.step):
            yield mirrored(stores[draw.place].read(draw.numbers), draw.symmetry)

    def training_step(self, batch: FaceSample, progress: float) -> dict[str, Tensor]:
        """Run the full-size pass, or the part of it that learns."""
        if self.settings.learn == "kernel":
            return self._learn_kernel(batch)
        if self.settings.learn == "denoiser":
            return self._learn_denoiser(batch.sharp)
        draft = self._draft(batch)
        masks = region_masks(batch.labels) if isinstance(batch, DraftedSample) else self.regions(batch)
        true = in_the_middle(batch.kernel, draft.kernel.shape[-1])
        given = true.clamp_min(_SMALLEST).log() if self.settings.true_kernel else None
        output: FullSizeOutput = self.trained(batch.blurred, draft, log_kernel=given)
        scores: AdversarialScores | None = None
        contested: dict[str, Tensor] = {}
        if progress >= self.settings.adversarial.start and DISCRIMINATOR in self.critics:
            critic = self.critics[DISCRIMINATOR]
            scores, contested = contest(critic, output.restored, batch.sharp, self.settings.patches)
        values = contested | pass_losses(
            output, batch.sharp, masks, criterion=self.criterion, earlier=self.settings.earlier, scores=scores
        )
        if not self.settings.true_kernel:
            values["loss"] = values["loss"] + self.settings.kernel * kernel_loss(output.log_kernel, true)
        psnr = PIXEL_LOSSES["psnr"]
        gain = psnr(draft.restored, batch.sharp) - psnr(output.restored.detach(), batch.sharp)
        return values | {"kernel": kernel_distance(output.log_kernel, true), "gain": gain}

    def _learn_kernel(self, batch: FaceSample) -> dict[str, Tensor]:
        draft = self._draft(batch)
        log_kernel: Tensor = self.trained(draft.kernel, draft.regressed)
        true = in_the_middle(batch.kernel, log_kernel.shape[-1])
        return {"loss": kernel_loss(log_kernel, true), "kernel": kernel_distance(log_kernel, true)}

    def _learn_denoiser(self, sharp: Tensor) -> dict[str, Tensor]:
        # Most levels are low, as those of most rounds are.
        level = self.settings.level * torch.rand(len(sharp), device=sharp.device).pow(1.5)
        noisy = sharp + level[:, None, None, None] * torch.randn_like(sharp)
        nothing = torch.zeros_like(sharp)
        denoised: Tensor = self.trained(noisy, level, nothing, nothing)
        # As a share of the noise's own power, or strong noise alone would count.
        error = (denoised - sharp).square().mean(dim=(1, 2, 3)) / (level.square() + _LITTLE_NOISE**2)
        return {"loss": error.mean()}

    def _draft(self, batch: FaceSample) -> Draft:
        """What the finished network makes of a batch."""
        if isinstance(batch, DraftedSample):
            return batch.draft
        with self.accelerator.autocast():
            return self.whole.draft(batch.blurred)

    def released(self, average: nn.Module) -> nn.Module:
        """Return the whole network with the averaged weights."""
        if self.settings.learn == "all":
            return average
        whole = copy.deepcopy(self.whole)
        self._part(whole).load_state_dict(average.state_dict())
        return whole.eval()


def pass_rates(network: FullSizeSNADNet, settings: PassSettings) -> dict[nn.Module, float]:
    """Return the parts of a pass that learn, with their shares of the learning rate."""
    steps, denoiser = network.deconvolution.steps, network.deconvolution.denoiser
    rates = {denoiser: 1.0, network.refiner: settings.refiner_rate, steps: settings.step_rate}
    return rates if network.turn_estimator is None else rates | {network.turn_estimator: settings.refiner_rate}


def pass_losses(
    output: FullSizeOutput,
    sharp: Tensor,
    masks: Tensor,
    *,
    criterion: GeneratorLoss,
    earlier: float,
    scores: AdversarialScores | None = None,
) -> dict[str, Tensor]:
    """Return the loss of the faces after every round, and the terms of that of the last.

    Args:
        output: What the pass made of them.
        sharp: ``(B, 3, H, W)`` in ``[0, 1]``.
        masks: Region masks ``(B, 4, H, W)``.
        criterion: The loss of restored faces.
        earlier: Weight of each round but the last, whose own is 1.
        scores: The discriminator's, of the faces after the last round.
    """
    *before, last = output.rounds
    outcome = criterion(GeneratorOutcome(last, sharp, masks, scores=scores))
    loss = outcome.total + earlier * sum(criterion(GeneratorOutcome(faces, sharp, masks)).total for faces in before)
    shown = {"reconstruction", "fidelity"} | (set() if scores is None else {"adversarial"})
    return {"loss": loss, **{name: term for name, term in outcome.terms.items() if name in shown}}


def in_the_middle(kernel: Tensor, side: int) -> Tensor:
    """Put kernels ``(B, K, K)`` into the middle of larger ones, ``(B, side, side)``."""
    return F.pad(kernel, ((side - kernel.shape[-1]) // 2,) * 4)


def kernel_loss(log_estimate: Tensor, true: Tensor) -> Tensor:
    """Return the L1 distance of kernels ``(B, K, K)`` with sum 1, less a tenth of the log-likelihood."""
    return kernel_distance(log_estimate, true) - 0.1 * log_likelihood(log_estimate, true)


def kernel_distance(log_estimate: Tensor, true: Tensor) -> Tensor:
    """Return the L1 distance of kernels ``(B, K, K)`` with sum 1, in ``[0, 2]``, averaged over the batch."""
    return (log_estimate.exp() - true).abs().sum(dim=(1, 2)).mean()


def log_likelihood(log_estimate: Tensor, true: Tensor) -> Tensor:
    """Return the expected logarithm of the estimate under the true kernels, averaged over the batch."""
    return (log_estimate * true).sum(dim=(1, 2)).mean()
