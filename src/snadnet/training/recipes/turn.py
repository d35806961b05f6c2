"""The estimator of a camera's turn, of a network with a full-size pass: all else of that is finished."""

import copy
from collections.abc import Generator
from typing import Final, Literal

import torch
from torch import Tensor, nn

from snadnet.data.dataset import FaceDataset
from snadnet.data.image_folder import FaceFile
from snadnet.errors import ModelError
from snadnet.models.snadnet import FullSizeSNADNet
from snadnet.models.wiener.data_step import frequency_bands
from snadnet.models.wiener.fourier import half_weights
from snadnet.models.wiener.turn import turned_kernels
from snadnet.training.config import RunSettings
from snadnet.training.recipes.base import RestoringRecipe, initial_network
from snadnet.training.recipes.kept import KeptSettings, draws
from snadnet.training.run import Run
from snadnet.training.run_lock import run_lock
from snadnet.training.turn_samples import TurnSample, TurnSamples, build_turn_samples, mirrored_sample

_GRID: Final = 64
"""Rows and columns of the frequencies that kernels are compared at."""

_SYMMETRIES: Final = 8
_LEAST_POWER: Final = 1e-9
_LEAST_ERROR: Final = 1e-5
_CAUTION: Final = 16.0


class TurnSettings(RunSettings):
    """Training the estimator of a camera's turn.

    Attributes:
        samples: What it sees of faces, kept on disk.
    """

    recipe: Literal["turn"] = "turn"
    samples: KeptSettings


class TurnRecipe(RestoringRecipe[TurnSettings, TurnSample]):
    """The error that a Wiener filter would make by the kernels that follow; nothing but the estimator learns."""

    settings_type = TurnSettings

    def build(self) -> nn.Module:
        """Build the whole network; what is returned is its estimator.

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
        return _estimator(self.whole, self.settings.model).requires_grad_(True)

    def batches(self, faces: list[FaceFile], run: Run) -> Generator[TurnSample, None, None]:
        """Yield samples in an order that is settled by the step's number; those that are missing are made before.

        Raises:
            ConfigError: If a size has no samples, the run has several processes, or another one makes samples there.
            DataError: If a face cannot be read, or the folder of the samples cannot be used.
        """
        sizes, kept = self.settings.data.sizes, self.settings.samples
        counts = kept.counts(sizes, self.accelerator, "samples")
        self._build_samples(faces, counts, run)
        if run.stop.reason is not None:
            return
        side = self.whole.kernel_side
        stores = [TurnSamples(kept.folder, size, count, kernel_side=side) for size, count in counts.items()]
        written = [store.count for store in stores]
        for draw in draws(sizes, written, symmetries=_SYMMETRIES, seed=self.settings.seed, start=run.step):
            sample = mirrored_sample(stores[draw.place].read(draw.numbers), draw.symmetry)
            yield TurnSample(*(part.to(self.device) for part in sample))

    def _build_samples(self, faces: list[FaceFile], counts: dict[int, int], run: Run) -> None:
        """Write what is missing of the samples, until the run is to stop; no other run may write there."""
        data, folder = self.settings.data, self.settings.samples.folder
        with run_lock(folder), run.clock.paused():
            for made in build_turn_samples(
                folder,
                FaceDataset(faces, data.degradation, data.augmentation, seed=self.settings.seed),
                counts,
                network=self.whole,
                bfloat16=self.settings.precision == "bf16",
            ):
                run.logger.log_message(f"samples: {made}")
                if run.stop.reason is not None:
                    break

    def training_step(self, batch: TurnSample, progress: float) -> dict[str, Tensor]:
        """Estimate the turn, and judge the kernels by what they would restore."""
        turn: Tensor = self.trained(batch.kernel, batch.maps)
        error = log_wiener_error(batch, turn)
        with torch.no_grad():
            without = log_wiener_error(batch, torch.zeros_like(turn))
            gain = 10.0 * (without - error).mean()
        return {"loss": error.mean(), "gain": gain}

    def released(self, average: nn.Module) -> nn.Module:
        """Return the whole network with the averaged estimator."""
        whole = copy.deepcopy(self.whole)
        _estimator(whole, self.settings.model).load_state_dict(average.state_dict())
        return whole.eval()


def _estimator(network: FullSizeSNADNet, name: str) -> nn.Module:
    if network.turn_estimator is None:
        raise ModelError(f"'{name}' has no estimator of the turn: its kernel is refined over another pass")
    return network.turn_estimator


def log_wiener_error(sample: TurnSample, turn: Tensor) -> Tensor:
    """Return the logarithm of the error that a Wiener filter would make by the kernels of a turn.

    The filter divides by the kernel's transfer function where a face has more power than the noise; so a wrong kernel
    costs there, and nothing where the noise hides it. A wrong kernel is used with more caution, as if there were more
    noise: where little passes, the network does not divide, but paints what faces have. A logarithm, as a face's PSNR
    is one: of the errors themselves those of long motions under noise would count alone, and kernels that are known
    well, without noise, would be spoilt by a turn that is not there.

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
    by_kernels = weights * differing * power * passed / (passed + _CAUTION * ratio).square()
    by_noise = weights * noise / (passed + ratio)
    return torch.log10((by_kernels + by_noise).sum(dim=(1, 2)) + _LEAST_ERROR)


def _spectrum(kernels: Tensor) -> Tensor:
    """The spectrum ``(..., 64, 33)`` of kernels ``(..., K, K)``, their first place being the origin."""
    spectrum: Tensor = torch.fft.rfft2(kernels.float(), s=(_GRID, _GRID))
    return spectrum
