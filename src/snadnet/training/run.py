"""What both training stages share: set-up, batches, checkpoints, and stopping in good order."""

import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import Tensor, nn

from snadnet.data.dataloader import training_loader
from snadnet.data.dataset import FaceDataset, FaceSample
from snadnet.data.image_folder import UNLABELLED, FaceFile, list_faces, split_by_name
from snadnet.errors import ConfigError, WeightsError
from snadnet.training.checkpoint import Checkpoints
from snadnet.training.config import DataSettings, OptimizerSettings, RunSettings
from snadnet.training.lr_schedule import Progress
from snadnet.training.metric_logger import Journal


def make_optimizer(parameters: Iterable[nn.Parameter], settings: OptimizerSettings) -> torch.optim.Optimizer:
    """Build the optimizer that the settings name, of the parameters that are not frozen."""
    parameters = [parameter for parameter in parameters if parameter.requires_grad]
    if settings.kind == "sgd":
        return torch.optim.SGD(
            parameters,
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
    kind = torch.optim.Adam if settings.kind == "adam" else torch.optim.AdamW
    return kind(
        parameters,
        lr=settings.learning_rate,
        betas=settings.betas,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def training_and_validation_faces(data: DataSettings) -> tuple[list[FaceFile], list[FaceFile]]:
    """Return all sources' training faces, and the first source's held-out faces.

    Raises:
        DataError: if a folder is missing, empty or unreadable.
        ConfigError: if the first source holds out no faces.
    """
    if not data.sources[0].hold_out:
        raise ConfigError("data.sources.0.hold_out: the first source must hold out faces to validate on")
    splits = [split_by_name(list_faces(source.images, source.labels), source.hold_out) for source in data.sources]
    return [face for training, _ in splits for face in training], splits[0][1]


def fill_labels(labels: Tensor, predicted: Tensor) -> Tensor:
    """Replace unknown classes in ``(B, H, W)`` labels by predicted ones of the same shape."""
    return torch.where(labels == UNLABELLED, predicted, labels)


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Collect SIGTERM and SIGINT in a list instead of dying by them, so that a last checkpoint can be written.

    A second SIGINT interrupts at once.
    """
    received: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class Run:
    """A training run in a folder: its clock, its checkpoints and its journal.

    Attributes:
        folder: where all of it is kept: ``checkpoints/``, logs, samples and ``weights.safetensors``.
        settings: the checked configuration.
        accelerator: device, precision and processes.
        journal: logs, open while the run is.
        modules: what checkpoints hold, by name.
        optimizers: likewise.
    """

    folder: Path
    settings: RunSettings
    accelerator: Accelerator
    journal: Journal
    modules: dict[str, nn.Module] = field(default_factory=dict)
    optimizers: dict[str, torch.optim.Optimizer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.progress = Progress(self.settings.schedule)
        self.checkpoints = Checkpoints(self.folder / "checkpoints")
        self._last_checkpoint = self.progress.seconds()

    def resume(self) -> None:
        """Go on from the newest checkpoint, if there is one.

        Raises:
            WeightsError: if the checkpoint is of another network, or none can be read.
        """
        state = self.checkpoints.load_latest()
        if state is None:
            return
        try:
            for name, module in self.modules.items():
                self.accelerator.unwrap_model(module).load_state_dict(state["modules"][name])
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_dict(state["optimizers"][name])
            torch.set_rng_state(state["random"]["cpu"])
            if torch.cuda.is_available() and state["random"]["cuda"]:
                torch.cuda.set_rng_state_all(state["random"]["cuda"])
            step, elapsed = int(state["step"]), float(state["elapsed"])
            changed = state["settings"] != self.settings.model_dump_json()
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise WeightsError(
                f"{self.folder}: its checkpoint does not fit these settings "
                f"({' '.join(str(error).split())[:200]}); choose another --run folder"
            ) from error
        self.progress = Progress(self.settings.schedule, step=step, elapsed=elapsed)
        self._last_checkpoint = self.progress.seconds()
        self.journal.say(f"resumed at step {self.progress.step} after {self.progress.elapsed / 60:.1f} min")
        if changed:
            self.journal.say("note: the settings have changed since the checkpoint was written")

    def save(self) -> None:
        """Write a checkpoint."""
        if self.accelerator.is_main_process:
            self.checkpoints.save(
                self.progress.step,
                {
                    "step": self.progress.step,
                    "elapsed": self.progress.seconds(),
                    "settings": self.settings.model_dump_json(),
                    "modules": {
                        name: self.accelerator.unwrap_model(module).state_dict()
                        for name, module in self.modules.items()
                    },
                    "optimizers": {name: item.state_dict() for name, item in self.optimizers.items()},
                    "random": {
                        "cpu": torch.get_rng_state(),
                        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
                    },
                },
            )
        self._last_checkpoint = self.progress.seconds()

    def save_if_due(self) -> None:
        """Write a checkpoint if the last one is old enough."""
        if self.progress.seconds() - self._last_checkpoint >= 60.0 * self.settings.checkpoint_minutes:
            self.save()

    def batches(self, faces: list[FaceFile]) -> Iterator[FaceSample]:
        """Yield batches on the device, channels-last, from the current step on, without end."""
        data = self.settings.data
        dataset = FaceDataset(faces, data.degradation, data.augmentation, seed=self.settings.seed)
        loader = training_loader(
            dataset,
            data.sizes,
            workers=data.workers,
            start=self.progress.step,
            rank=self.accelerator.process_index,
            world=self.accelerator.num_processes,
            pin_memory=self.accelerator.device.type == "cuda",
        )
        device = self.accelerator.device
        for blurred, sharp, labels, kernel in loader:
            yield FaceSample(
                blurred.to(device, non_blocking=True, memory_format=torch.channels_last),
                sharp.to(device, non_blocking=True, memory_format=torch.channels_last),
                labels.to(device, non_blocking=True),
                kernel.to(device, non_blocking=True),
            )

    def share(self, *, stopped: bool) -> float:
        """How much of the training is done, the same in every process; all of it once the main one was told to stop."""
        shares = [1.0 if stopped else self.progress.share()]
        if self.accelerator.num_processes > 1:
            broadcast_object_list(shares)
        return shares[0]

    def set_learning_rate(self, optimizer: torch.optim.Optimizer, base: float) -> float:
        """Set the learning rate that the schedule gives now, and return it."""
        rate = base * self.progress.learning_rate_factor()
        for group in optimizer.param_groups:
            group["lr"] = rate
        return rate

    def optimize(self, loss: Tensor, module: nn.Module, optimizer: torch.optim.Optimizer, clip: float | None) -> None:
        """Take one step down the loss."""
        optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        if clip is not None:
            self.accelerator.clip_grad_norm_(module.parameters(), clip)
        optimizer.step()

    def log_if_due(self, values: Mapping[str, Tensor | float]) -> None:
        """Log a training step's numbers every ``log_every`` steps, and move the progress bar."""
        step = self.progress.step
        if step % self.settings.log_every:
            return
        numbers = {name: float(value) for name, value in values.items()}
        self.journal.scalars("train", step, {**numbers, "minutes": self.progress.seconds() / 60})
        state = " ".join(f"{name} {value:.4g}" for name, value in numbers.items())
        self.journal.advance(self.progress.share(), f"step {step} {state}")


def start(settings: RunSettings, *, cpu: bool) -> Accelerator:
    """Seed everything and set up device, precision and, where a launcher started several processes, their group.

    Raises:
        ConfigError: if the precision is not to be had on this device.
    """
    # Unless told that the CPU is meant, processes without an accelerator do not find each other: each trains alone.
    cpu = cpu or not torch.accelerator.is_available()
    try:
        accelerator = Accelerator(mixed_precision=settings.precision, cpu=cpu)
    except ValueError as error:
        raise ConfigError(f"precision '{settings.precision}': {error}") from error
    torch.manual_seed(settings.seed)
    return accelerator
