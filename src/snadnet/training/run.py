"""A training run in a folder: its clock, its state, and its checkpoints."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from accelerate import Accelerator
from torch import nn

from snadnet.catalogue import current_name
from snadnet.concurrency import StopSignal
from snadnet.errors import TrainingError, WeightsError
from snadnet.models.checkpoint_io import check_finite
from snadnet.training.checkpoint import Checkpoints
from snadnet.training.config import RunSettings
from snadnet.training.learner import load_optimizer
from snadnet.training.lr_schedule import Clock, learning_rate_factor
from snadnet.training.metric_logger import MetricLogger

NETWORK: Final = "network"
"""The name, in checkpoints, of what is trained."""

AVERAGE: Final = "average"
"""The name of its exponential moving average."""

_FORMER_NAMES: Final = ("generator", "parser")
"""Names of the network in checkpoints of version 0.1: by the stage that was trained."""


@dataclass
class Run:
    """A training run in a folder.

    Attributes:
        folder: Where all of it is kept: ``checkpoints/``, logs, samples and ``weights.safetensors``.
        settings: The checked configuration.
        accelerator: Device, precision and processes.
        logger: Logs, open while the run is.
        modules: What checkpoints hold, by name.
        optimizers: Likewise.
        stop: Once it is requested, the run ends in good order after its present step.
    """

    folder: Path
    settings: RunSettings
    accelerator: Accelerator
    logger: MetricLogger
    modules: dict[str, nn.Module] = field(default_factory=dict)
    optimizers: dict[str, torch.optim.Optimizer] = field(default_factory=dict)
    stop: StopSignal = field(default_factory=StopSignal)

    def __post_init__(self) -> None:
        self.clock = Clock(self.settings.schedule)
        self.checkpoints = Checkpoints(self.folder / "checkpoints")
        self._saved_at = self.clock.seconds()
        self._saved_step: int | None = None

    @property
    def step(self) -> int:
        """Optimizer steps done."""
        return self.clock.step

    def learning_rate_factor(self, progress: float) -> float:
        """Return what to multiply learning rates by, ``progress`` being how much of the training is done."""
        return learning_rate_factor(self.settings.schedule, self.step, progress)

    def resume(self) -> None:
        """Go on from the newest checkpoint, if there is one; the optimizers' constants are those of the settings.

        Raises:
            WeightsError: If the checkpoint is of another network, not finite, or none can be read.
            ConfigError: If an optimizer is of another kind than before.
        """
        state = self.checkpoints.load_latest()
        if state is None:
            return
        try:
            modules, optimizers = (_by_present_names(state[part]) for part in ("modules", "optimizers"))
            for name, module in self.modules.items():
                self.accelerator.unwrap_model(module).load_state_dict(modules[name])
            for name, optimizer in self.optimizers.items():
                load_optimizer(optimizer, optimizers[name], "optimizer" if name == NETWORK else f"{name}.optimizer")
            torch.set_rng_state(state["random"]["cpu"])
            if torch.cuda.is_available() and state["random"]["cuda"]:
                torch.cuda.set_rng_state_all(state["random"]["cuda"])
            step, elapsed = int(state["step"]), float(state["elapsed"])
            # Runs of version 0.1 did not count them.
            faces = int(state.get("faces", 0))
            before = json.loads(state["settings"])
            before |= {"model": current_name(before["model"])}
            changed = changed_settings(before, self.settings.model_dump(mode="json"))
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise WeightsError(
                f"{self.folder}: its checkpoint does not fit these settings "
                f"({' '.join(str(error).split())[:200]}); choose another --run folder"
            ) from error
        for name in self.modules:
            check_finite(modules[name], self.checkpoints.folder, "remove the newest checkpoint there, or the folder")
        self.clock = Clock(self.settings.schedule, step=step, faces=faces, elapsed=elapsed)
        self._saved_at, self._saved_step = self.clock.seconds(), step
        self.logger.log_message(f"resumed at step {step} after {elapsed / 60:.1f} min")
        if changed:
            self.logger.log_message(f"note: settings have changed since the checkpoint was written: {changed}")

    def save(self) -> None:
        """Write a checkpoint, unless this step's is written.

        Raises:
            TrainingError: If a weight is not finite; nothing is written then.
        """
        if self.accelerator.is_main_process and self.step != self._saved_step:
            self.check_finite()
            self.checkpoints.save(self.step, self._state())
        self._saved_at, self._saved_step = self.clock.seconds(), self.step

    def save_if_due(self) -> None:
        """Write a checkpoint if the last one is old enough."""
        if self.clock.seconds() - self._saved_at >= 60.0 * self.settings.checkpoint_minutes:
            self.save()

    def check_finite(self) -> None:
        """Refuse weights that are NaN or infinite, before anything is written.

        Raises:
            TrainingError: If there are such weights.
        """
        for name, module in self.modules.items():
            remedy = "go on from the last checkpoint with a lower optimizer.learning_rate, or with optimizer.clip"
            try:
                check_finite(module.state_dict(), f"step {self.step}: {name}", remedy)
            except WeightsError as error:
                raise TrainingError(str(error)) from error

    def _state(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "faces": self.clock.faces,
            "elapsed": self.clock.seconds(),
            "settings": self.settings.model_dump_json(),
            "modules": {
                name: self.accelerator.unwrap_model(module).state_dict() for name, module in self.modules.items()
            },
            "optimizers": {name: item.state_dict() for name, item in self.optimizers.items()},
            "random": {
                "cpu": torch.get_rng_state(),
                "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            },
        }


def _by_present_names(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a checkpoint by the names that they have now."""
    return {NETWORK if name in _FORMER_NAMES else name: part for name, part in parts.items()}


def changed_settings(before: Mapping[str, Any], now: Mapping[str, Any], place: str = "") -> str:
    """Name the settings that differ, each with both values; an empty text if there are none."""
    changes = []
    for key in [*now, *(key for key in before if key not in now)]:
        old, new = before.get(key), now.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            changes.append(changed_settings(old, new, f"{place}{key}."))
        elif old != new:
            changes.append(f"{place}{key} from {old} to {new}")
    return ", ".join(change for change in changes if change)
