"""The look at full size: the refiner of the kernel by true kernels, then all of it by the restored face too."""

import copy
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from accelerate import Accelerator
from pydantic import Field
from torch import Tensor, nn

from snadnet.data.faces import FaceDataset, FaceSample
from snadnet.data.pictures import FacePicture
from snadnet.losses import PIXEL_LOSSES, GeneratorLoss, GeneratorLossWeights, RegionWeights, region_masks
from snadnet.models.snadnet import Draft, FullSizeOutput, FullSizeSNADNet
from snadnet.models.weights_file import load_state, read_weights
from snadnet.training.config import RegionSettings, StrictSettings
from snadnet.training.first_results import DraftedSample, FirstResults, build_first_results, mirrored
from snadnet.training.recipes.base import Recipe, initial_network
from snadnet.training.recipes.regions import RegionFinder
from snadnet.training.run import Run, make_optimizer

_SMALLEST = 1e-9


class FirstResultsSettings(StrictSettings):
    """The results of the finished network that are kept on disk; what is missing is made before the training.

    Attributes:
        folder: where they are kept.
        faces: how many of each picture size, at least; more that are there are trained on too.
    """

    folder: Path
    faces: dict[int, int] = Field(min_length=1)


class FullSizeSettings(RegionSettings):
    """Training the look at full size, on top of a finished network that is frozen.

    Attributes:
        first: weights file of the finished network, to begin with; None if ``initial`` holds all.
        first_results: its results on disk; None runs the finished network in every step, on ever new faces.
        learn: ``kernel``: the refiner alone, by the true kernels; ``all``: everything, by the face as well.
        taught: share of each batch that teaches the refiner, where all is learned; it costs as much as the generator.
        refiner_rate: the refiner's learning rate where all is learned, as a share of the others'. Taught by few faces a
            step, it was thrown back at the full rate.
        true_kernel: the true kernel takes the place of the refined one, which tells what there is to be gained.
        kernel: weight of the kernel's L1 distance from the true one, less a tenth of its log-likelihood.
        step: weight of the negative PSNR in dB of what the cautious data step alone makes of the draft.
        losses: weights of Eq. 15.
        regions: weights of Eq. 11.
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
    losses: GeneratorLossWeights = GeneratorLossWeights()
    regions: RegionWeights = RegionWeights()


class FullSizeRecipe(Recipe[FullSizeSettings]):
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

    def set_learning_rate(self, run: Run, share: float) -> float:
        """Set the learning rate, and the refiner's own."""
        rate = super().set_learning_rate(run, share)
        if self.settings.learn == "all":
            self.optimizer.param_groups[-1]["lr"] = rate * self.settings.refiner_rate
        return rate

    def batches(self, run: Run, faces: list[FacePicture]) -> Iterator[FaceSample]:
        """Yield faces with their first results, in an order that is settled by the step's number."""
        kept = self.settings.first_results
        if kept is None:
            yield from super().batches(run, faces)
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
            run.journal.say(f"first results: {counts}")
        stores = [FirstResults(kept.folder, entry.size, kept.faces[entry.size]) for entry in data.sizes]
        shares = np.array([entry.share for entry in data.sizes])
        step = run.progress.step
        while True:
            rng = np.random.default_rng([self.settings.seed, step])
            drawn = int(rng.choice(len(stores), p=shares / shares.sum()))
            numbers = rng.choice(stores[drawn].count, data.sizes[drawn].batch_size, replace=False)
            symmetries = 8 if self.settings.learn == "kernel" else 2
            yield mirrored(stores[drawn].read(numbers.tolist()), int(rng.integers(symmetries)))
            step += 1

    def losses(self, batch: FaceSample, run: Run, share: float) -> dict[str, Tensor]:
        """Run the look at full size, or its refiner alone."""
        draft, masks = self._draft(batch)
        if self.settings.learn == "kernel":
            log_kernel: Tensor = self.trained(draft.kernel, draft.restored, batch.blurred)
            distance = kernel_distance(log_kernel, batch.kernel)
            return {"loss": distance - 0.1 * log_likelihood(log_kernel, batch.kernel), "kernel": distance}
        rounds = 1 + run.progress.step % self.whole.rounds
        output: FullSizeOutput = self.trained(
            batch.blurred,
            draft,
            log_kernel=batch.kernel.clamp_min(_SMALLEST).log() if self.settings.true_kernel else None,
            taught=math.ceil(self.settings.taught * len(batch.blurred)),
            rounds=rounds,
        )
        parts = self.criterion(output.restored, batch.sharp, masks, textures=output.textures)
        distance = kernel_distance(output.kernel.log_kernel, batch.kernel)
        kernel = distance - 0.1 * log_likelihood(output.kernel.log_kernel, batch.kernel)
        psnr = PIXEL_LOSSES["psnr"]
        step = psnr(output.stepped, batch.sharp)
        return {
            "loss": parts.total + self.settings.kernel * kernel + self.settings.step * step,
            "kernel": distance,
            "reconstruction": parts.reconstruction,
            "texture": parts.texture,
            "fidelity": parts.fidelity,
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
