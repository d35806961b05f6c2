"""The processes of a training: their set-up, and what they agree on before every step."""

from dataclasses import dataclass

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from snadnet.errors import ConfigError
from snadnet.inference import Device
from snadnet.inference.torch_backend import torch_device
from snadnet.training.config import RunSettings


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
