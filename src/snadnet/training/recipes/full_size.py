"""The full-size pass: the refiner of the kernel by true kernels, then all of it by the restored face too."""

import copy
import math
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from accelerate import Accelerator
from pydantic import AfterValidator, Field
from torch import Tensor, nn

from snadnet.data.dataset import FaceDataset, FaceSample
from snadnet.data.image_folder import FaceFile
from snadnet.losses import PIXEL_LOSSES, GeneratorLoss, GeneratorOutcome, RegionWeights, complete_weights, region_masks
from snadnet.models.checkpoint_io import load_state, read_weights
from snadnet.models.snadnet import Draft, FullSizeOutput, FullSizeSNADNet
from snadnet.training.config import LabelledSettings, StrictSettings
from snadnet.training.first_results import DraftedSample, FirstResults, build_first_results, mirrored
from snadnet.training.learner import make_optimizer
from snadnet.training.recipes.base import DeblurringRecipe, initial_network
from snadnet.training.recipes.regions import RegionFinder
from snadnet.training.run import Run

_SMALLEST = 1e-9


class FirstResultsSettings(StrictSettings):
    """The results of the finished network that are kept on disk; what is missing is made before the training.

    Attributes:
        folder: Where they are kept.
        faces: How many of each image size, at least; more that are there are trained on too.
    """

    folder: Path
    faces: dict[int, int] = Field(min_length=1)


class FullSizeSettings(LabelledSettings):
    """Training the full-size pass, on top of a finished network that is frozen.

    Attributes:
        first: Weights file of the finished network, to begin with; None if ``initial`` holds all.
        first_results: Its results on disk; None runs the finished network in every step, on ever new faces.
        learn: ``kernel``: the refiner alone, by the true kernels; ``all``: everything, by the face as well.
        taught: Share of each batch that teaches the refiner, where all is learned; it costs as much as the generator.
        refiner_rate: The refiner's learning rate where all is learned, as a share of the others'. Taught by few faces a
            step, it was thrown back at the full rate.
        true_kernel: The true kernel takes the place of the refined one, which tells what there is to be gained.
        kernel: Weight of the kernel's L1 distance from the true one, less a tenth of its log-likelihood.
        step: Weight of the negative PSNR in dB of what the cautious data step alone makes of the draft.
        losses: Weights of the terms of the loss (Eq. 15), by name in `snadnet.losses.GENERATOR_TERMS`.
        regions: Weights of Eq. 11.
    """

    recipe: Literal["full-size"] = "full-size"
    first: Path | None = None
    first_results: FirstResultsSettings | None = None
    learn: Literal["kernel", "all"] = "all"
    taught: float = Field(1.0, gt=0, le=1)
    refiner_rate: float = Field(1.0, gt=0, le=1)
    true_kernel: bool = False
    kernel: float = Field(10.0, ge=0)
    step: float = Field(2.0, ge=0)
    losses: Annotated[dict[str, float], AfterValidator(complete_weights)] = complete_weights({})
    regions: RegionWeights = RegionWeights()


class FullSizeRecipe(DeblurringRecipe[FullSizeSettings]):
    """Kernel distance, region reconstruction, texture and the face's PSNR; the finished network never learns."""

    settings_type = FullSizeSettings

    def __init__(self, settings: FullSizeSettings, accelerator: Accelerator) -> None:
        super().__init__(settings, accelerator)
        self.regions = RegionFinder(settings, self.device)
        self.criterion = GeneratorLoss(settings.losses, region_weights=settings.regions).to(self.device)

    def build(self) -> nn.Module:
        """Build the whole network; its generator begins as the finished one's unless there are initial weights."""
        network = initial_network(self.settings, FullSizeSNADNet)
        if self.settings.first is not None:
            load_state(network.first, read_weights(self.settings.first)[1], self.settings.first)
            if self.settings.initial is None:
                network.adopt_first()
        self.whole = network.to(self.device)
        return network.refiner if self.settings.learn == "kernel" else network

    def make_optimizer(self) -> torch.optim.Optimizer:
        """Build the optimizer, with the refiner's weights in a group of their own where all is learned."""
        if self.settings.learn == "kernel":
            return super().make_optimizer()
        refiner = set(self.whole.refiner.parameters())
        others = (weight for weight in self.network.parameters() if weight not in refiner)
        optimizer = make_optimizer(others, self.settings.optimizer)
        optimizer.add_param_group({"params": list(self.whole.refiner.parameters())})
        return optimizer

    def set_learning_rates(self, factor: float, progress: float) -> float:
        """Set the learning rate, and the refiner's own."""
        rate = super().set_learning_rates(factor, progress)
        if self.settings.learn == "all":
            self.learner.optimizer.param_groups[-1]["lr"] = rate * self.settings.refiner_rate
        return rate

    def batches(self, faces: list[FaceFile], run: Run) -> Generator[FaceSample, None, None]:
        """Yield faces with their first results, in an order that is settled by the step's number."""
        kept = self.settings.first_results
        if kept is None:
            yield from super().batches(faces, run)
            return
        data = self.settings.data
        assert self.settings.first is not None
        assert self.settings.label_parser is not None
        for counts in build_first_results(
            kept.folder,
            FaceDataset(faces, data.degradation, data.augmentation, seed=self.settings.seed),
            kept.faces,
            network=self.settings.first,
            label_parser=self.settings.label_parser,
            bfloat16=self.settings.precision == "bf16",
        ):
            run.logger.log_message(f"first results: {counts}")
        stores = [FirstResults(kept.folder, entry.size, kept.faces[entry.size]) for entry in data.sizes]
        shares = np.array([entry.share for entry in data.sizes])
        step = run.step
        while True:
            rng = np.random.default_rng([self.settings.seed, step])
            drawn = int(rng.choice(len(stores), p=shares / shares.sum()))
            numbers = rng.choice(stores[drawn].count, data.sizes[drawn].batch_size, replace=False)
            symmetries = 8 if self.settings.learn == "kernel" else 2
            yield mirrored(stores[drawn].read(numbers.tolist()), int(rng.integers(symmetries)))
            step += 1

    def training_step(self, batch: FaceSample, progress: float) -> dict[str, Tensor]:
        """Run the full-size pass, or its refiner alone."""
        draft, masks = self._draft(batch)
        if self.settings.learn == "kernel":
            log_kernel: Tensor = self.trained(draft.kernel, draft.restored, batch.blurred)
            distance = kernel_distance(log_kernel, batch.kernel)
            return {"loss": distance - 0.1 * log_likelihood(log_kernel, batch.kernel), "kernel": distance}
        # Each number of passes in turn, by chance: the one set of weights serves all.
        rounds = 1 + int(torch.randint(self.whole.rounds, ()))
        output: FullSizeOutput = self.trained(
            batch.blurred,
            draft,
            log_kernel=batch.kernel.clamp_min(_SMALLEST).log() if self.settings.true_kernel else None,
            taught=math.ceil(self.settings.taught * len(batch.blurred)),
            rounds=rounds,
        )
        parts = self.criterion(GeneratorOutcome(output.restored, batch.sharp, masks, textures=output.textures))
        distance = kernel_distance(output.kernel.log_kernel, batch.kernel)
        kernel = distance - 0.1 * log_likelihood(output.kernel.log_kernel, batch.kernel)
        psnr = PIXEL_LOSSES["psnr"]
        step = psnr(output.stepped, batch.sharp)
        return {
            "loss": parts.total + self.settings.kernel * kernel + self.settings.step * step,
            "kernel": distance,
            **{name: term for name, term in parts.terms.items() if name != "adversarial"},
            "stepped": psnr(draft.restored, batch.sharp) - step,
            "gain": psnr(draft.restored, batch.sharp) - psnr(output.restored.detach(), batch.sharp),
        }

    def _draft(self, batch: FaceSample) -> tuple[Draft, Tensor]:
        """What the finished network makes of a batch, and the masks of its regions."""
        if isinstance(batch, DraftedSample):
            return batch.draft, region_masks(batch.labels)
        with self.accelerator.autocast():
            return self.whole.draft(batch.blurred), self.regions(batch)

    def restorer(self, average: nn.Module) -> Callable[[Tensor], Tensor]:
        """Restore with the averaged weights in the whole network."""
        return super().restorer(self.released(average))

    def released(self, average: nn.Module) -> nn.Module:
        """Return the whole network with the averaged weights."""
        if self.settings.learn == "all":
            return average
        whole = copy.deepcopy(self.whole)
        whole.refiner.load_state_dict(average.state_dict())
        return whole.eval()


def kernel_distance(log_estimate: Tensor, true: Tensor) -> Tensor:
    """Return the L1 distance of kernels ``(B, K, K)`` with sum 1, in ``[0, 2]``, averaged over the batch."""
    return (log_estimate.exp() - true).abs().sum(dim=(1, 2)).mean()


def log_likelihood(log_estimate: Tensor, true: Tensor) -> Tensor:
    """Return the expected logarithm of the estimate under the true kernels, averaged over the batch."""
    return (log_estimate * true).sum(dim=(1, 2)).mean()
