"""The processes of a training: their set-up, and what they agree on before every step."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from snadnet.errors import ConfigError, TrainingError
from snadnet.inference import Device
from snadnet.inference.torch_backend import torch_device
from snadnet.training.config import RunSettings

_SIGNS_OF_LOSS: Final = ("gloo", "Connection closed by peer", "Connection reset by peer", "Broken pipe")
"""Parts of the errors by which PyTorch says that another process has gone; they have no type of their own."""


def start(settings: RunSettings, device: Device = "auto") -> Accelerator:
    """Seed everything and set up device, precision and, where a launcher started several processes, their group.

    Args:
        settings: Of the run.
        device: ``"auto"`` takes the accelerator where there is one.

    Raises:
        ModelError: If the device is not available.
        ConfigError: If the precision is not available on it.
    """
    torch_device(device)  # refuses what is not there
    # Unless the CPU is asked for, processes without an accelerator do not find each other: each trains alone.
    cpu = device == "cpu" or not torch.accelerator.is_available()
    # Accelerate keeps one precision for a process, and refuses another; each training of ours has its own.
    AcceleratorState._reset_state()
    try:
        accelerator = Accelerator(mixed_precision=settings.precision, cpu=cpu)
    except ValueError as error:
        raise ConfigError(f"precision '{settings.precision}': {error}") from error
    torch.manual_seed(settings.seed)
    return accelerator


@contextmanager
def lost_processes(accelerator: Accelerator) -> Iterator[None]:
    """Within it, the loss of another process of the run is one line rather than an error of the network.

    Nothing is saved then, as the processes may have been in the middle of a step.

    Raises:
        TrainingError: If what processes do together has failed, as one of them has gone.
    """
    try:
        yield
    except RuntimeError as error:
        together = accelerator.num_processes > 1
        if not together or not (
            isinstance(error, torch.distributed.DistError) or any(sign in str(error) for sign in _SIGNS_OF_LOSS)
        ):
            raise
        raise TrainingError(
            f"process {accelerator.process_index + 1} of {accelerator.num_processes}: another process of this run has "
            "gone; see why, and give the same command again: it goes on from the last checkpoint"
        ) from error


@dataclass(frozen=True)
class Agreement:
    """The state of a run that all of its processes share before a step.

    Attributes:
        progress: How much of the training is done, in [0, 1], by the main process's clock.
        stop: Whether any process was asked to stop.
        failed: Whether any process cannot go on.
    """

    progress: float
    stop: bool
    failed: bool


def agree(accelerator: Accelerator, *, progress: float, stop: bool, failed: bool) -> Agreement:
    """Return the same for every process of the run; all of them must call it."""
    if accelerator.num_processes > 1:
        # Of the progress the main process's own counts, since clocks differ.
        own = [progress if accelerator.is_main_process else 0.0, float(stop), float(failed)]
        common = torch.tensor(own, dtype=torch.float64, device=accelerator.device)
        torch.distributed.all_reduce(common, op=torch.distributed.ReduceOp.MAX)
        progress, any_stop, any_failed = common.tolist()
        stop, failed = bool(any_stop), bool(any_failed)
    return Agreement(progress, stop, failed)
