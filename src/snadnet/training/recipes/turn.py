"""How a camera turned, learned by the last round of a full-size pass: all before it is finished."""

import copy
from collections.abc import Generator
from typing import Final, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from snadnet.data.dataset import FaceDataset
from snadnet.data.image_folder import FaceFile
from snadnet.errors import ModelError
from snadnet.models.snadnet import FullSizeSNADNet
from snadnet.models.wiener.data_step import frequency_bands
from snadnet.models.wiener.fourier import half_weights
from snadnet.models.wiener.turn import turned_kernels
from snadnet.training.config import RunSettings
from snadnet.training.learner import make_grouped_optimizer
from snadnet.training.recipes.base import RestoringRecipe, initial_network
from snadnet.training.recipes.kept import KeptSettings, all_made, draws
from snadnet.training.run import Run
from snadnet.training.turn_samples import TurnSample, TurnSamples, build_turn_samples, mirrored_sample

_GRID: Final = 64
"""Rows and columns of the frequencies that kernels are compared at."""

_SYMMETRIES: Final = 8
_LEAST_POWER: Final = 1e-9
_LEAST_ERROR: Final = 1e-5
_LEAST_SQUARE: Final = 1e-6


class TurnSettings(RunSettings):
    """Training the estimator of a camera's turn, and the data step that takes its word.

    Attributes:
        samples: What they see of faces, kept on disk.
        judge: What they are judged by: `kernels`, the error that a Wiener filter would make by the kernels that follow,
            which needs no last round and teaches the estimator alone; or `faces`, the restored faces' own.
        step_rate: The data step's learning rate, as a share of the estimator's.
    """

    recipe: Literal["turn"] = "turn"
    samples: KeptSettings
    judge: Literal["kernels", "faces"] = "faces"
    step_rate: float = Field(0.25, ge=0)


class LastRound(nn.Module):
    """What learns; it is called for the turn.

    Args:
        network: What it is a part of.
        name: The network's, for messages.

    Raises:
        ModelError: If the network has no estimator.
    """

    def __init__(self, network: FullSizeSNADNet, name: str) -> None:
        super().__init__()
        if network.turn_estimator is None:
            raise ModelError(f"'{name}' has no estimator of the turn: its kernel is refined over another pass")
        self.turn_estimator = network.turn_estimator
        self.step = network.deconvolution.steps[-1]

    def forward(self, kernel: Tensor, maps: Tensor) -> Tensor:
        """Estimate the turn, see `snadnet.models.wiener.turn.TurnEstimator`."""
        turn: Tensor = self.turn_estimator(kernel, maps)
        return turn


class TurnRecipe(RestoringRecipe[TurnSettings, TurnSample]):
    """Nothing learns but the estimator of the turn and the last data step; see `TurnSettings` for the losses."""

    settings_type = TurnSettings

    def build(self) -> nn.Module:
        """Build the whole network; what is returned is what learns of it.

        Raises:
            ModelError: If the network has none.
            WeightsError: If the initial weights cannot be used.
        """
        self.whole = initial_network(self.settings, FullSizeSNADNet)
        if self.whole.turn_estimator is None:
            # The initial weights may be of a time before there was one.
            untrained = self.settings.model_copy(update={"initial": None})
            self.whole.turn_estimator = initial_network(untrained, FullSizeSNADNet).turn_estimator
        self.whole.to(self.device)
        self.whole.requires_grad_(False).eval()
        return LastRound(self.whole, self.settings.model)

    def make_optimizer(self) -> torch.optim.Optimizer:
        """Build the optimizer of what learns."""
        last: LastRound = self.network
        # Untrained regressions would first teach the estimator to believe nothing, and it would learn nothing more.
        rates: dict[nn.Module, float] = (
            {last.turn_estimator.network: 1.0}
            if self.settings.judge == "kernels"
            else {last.turn_estimator: 1.0, last.step: self.settings.step_rate}
        )
        for part in rates:
            part.requires_grad_(True)
        return make_grouped_optimizer(rates, self.settings.optimizer)

    def batches(self, faces: list[FaceFile], run: Run) -> Generator[TurnSample, None, None]:
        """Yield samples in an order that is settled by the step's number; those that are missing are made before.

        Raises:
            ConfigError: If a size has no samples, the run has several processes, or another one makes samples there.
            DataError: If a face cannot be read, or the folder of the samples cannot be used.
        """
        sizes, kept = self.settings.data.sizes, self.settings.samples
        counts = kept.counts(sizes, self.accelerator, "samples")
        data = self.settings.data
        builds = build_turn_samples(
            kept.folder,
            FaceDataset(faces, data.degradation, data.augmentation, seed=self.settings.seed),
            counts,
            network=self.whole,
            bfloat16=self.settings.precision == "bf16",
        )
        if not all_made(builds, kept.folder, run, "samples"):
            return
        side = self.whole.kernel_side
        stores = [TurnSamples(kept.folder, size, count, kernel_side=side) for size, count in counts.items()]
        written = [store.count for store in stores]
        for draw in draws(sizes, written, symmetries=_SYMMETRIES, seed=self.settings.seed, start=run.step):
            sample = mirrored_sample(stores[draw.place].read(draw.numbers), draw.symmetry)
            yield TurnSample(*(part.to(self.device) for part in sample))

    def training_step(self, batch: TurnSample, progress: float) -> dict[str, Tensor]:
        """Estimate the turn, and judge the kernels or the faces that follow."""
        turn: Tensor = self.trained(batch.kernel, batch.maps)
        if self.settings.judge == "faces":
            return {"loss": self._log_error(batch, turn).mean()}
        error = log_wiener_error(batch, turn)
        with torch.no_grad():
            gain = 10.0 * (log_wiener_error(batch, torch.zeros_like(turn)) - error).mean()
        return {"loss": error.mean(), "gain": gain}

    def _log_error(self, sample: TurnSample, turn: Tensor) -> Tensor:
        """The logarithm of the restored faces' mean squared error, ``(B,)``, to base 10."""
        with self.accelerator.autocast():
            restored = self.whole.deconvolution.last_round(sample.blurred, sample.kernel, sample.images, turn)
        error = (restored.float() - sample.sharp).square().mean(dim=(1, 2, 3))
        return torch.log10(error + _LEAST_SQUARE)

    def released(self, average: nn.Module) -> nn.Module:
        """Return the whole network with the average of what learns."""
        whole = copy.deepcopy(self.whole)
        LastRound(whole, self.settings.model).load_state_dict(average.state_dict())
        return whole.eval()


def log_wiener_error(sample: TurnSample, turn: Tensor) -> Tensor:
    """Return the logarithm of the error that a Wiener filter would make by the kernels of a turn.

    The filter divides by the kernel's transfer function where a face has more power than the noise; so a wrong kernel
    costs there, and nothing where the noise hides it. A logarithm, as a face's PSNR is one: of the errors themselves
    those of long motions under noise would count alone, and kernels that are known well, without noise, would be spoilt
    by a turn that is not there.

    Args:
        sample: The faces.
        turn: ``(B, K, K)``, see `snadnet.models.wiener.turn.TurnEstimator`; ``K`` is that of the true kernels.

    Returns:
        ``(B,)``, to base 10.
    """
    kernels = turned_kernels(sample.kernel, turn)
    bands = frequency_bands(_GRID, _GRID, turn.device)
    power = torch.exp(torch.log(sample.power + _LEAST_POWER) @ bands.flatten(1)).view(-1, *bands.shape[1:])
    noise = sample.noise[:, None, None]
    passed = _spectrum(sample.kernels.mean(dim=1)).abs().square()
    ratio = noise / power
    weights = half_weights(_GRID, turn.device) / _GRID**2
    # Both kinds of kernels are placed alike, so that where their middle lies does not matter.
    wrong = _spectrum(kernels - sample.kernels)
    differing = (wrong.real.square() + wrong.imag.square()).mean(dim=1)
    by_kernels = weights * differing * power * passed / (passed + ratio).square()
    by_noise = weights * noise / (passed + ratio)
    return torch.log10((by_kernels + by_noise).sum(dim=(1, 2)) + _LEAST_ERROR)


def _spectrum(kernels: Tensor) -> Tensor:
    """The spectrum ``(..., 64, 33)`` of kernels ``(..., K, K)``, their first place being the origin."""
    spectrum: Tensor = torch.fft.rfft2(kernels.float(), s=(_GRID, _GRID))
    return spectrum
