"""The trainings of a table, one after the other: each goes on where it was, and one that fails stops no other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from snadnet.concurrency import StopSignal
from snadnet.errors import SnadnetError
from snadnet.experiments.plan import Plan, PlannedRun
from snadnet.experiments.run_record import Spent, begin_record, finish_record, spent_by
from snadnet.inference import Device
from snadnet.training import train
from snadnet.training.metric_logger import Display
from snadnet.training.run import Run


class RowDisplay(Protocol):
    """Shows the trainings of a table to whoever started them."""

    def show_run(self, run: PlannedRun) -> Display:
        """Show that a training begins, and return what shows it."""

    def log_message(self, line: str) -> None:
        """Show a line of text."""


@dataclass
class TrainedRuns:
    """What became of the trainings.

    Attributes:
        spent: What each finished one took, by name.
        failures: Why each other one failed, by name.
        stopped: Whether a stop was requested before all were done.
    """

    spent: dict[str, Spent] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    stopped: bool = False


class _Counts:
    """A callback that keeps what a training took."""

    def __init__(self) -> None:
        self.steps = self.faces = 0
        self.seconds = self.progress = 0.0

    def after_step(self, run: Run, losses: Mapping[str, Tensor | float]) -> None:
        """Do nothing."""

    def at_end(self, run: Run) -> None:
        """Read the run's clock."""
        self.steps, self.faces = run.step, run.clock.faces
        self.seconds, self.progress = run.clock.seconds(), run.clock.progress()


def train_all(plan: Plan, *, device: Device, display: RowDisplay, stop: StopSignal) -> TrainedRuns:
    """Train everything that a table needs and that is not trained yet.

    Args:
        plan: The trainings.
        device: Where they run.
        display: Shown each of them.
        stop: Once it is requested, the present training ends in good order, and no other begins.
    """
    result = TrainedRuns()
    for run in plan.runs:
        missing = [need for need in run.needs if need not in result.spent]
        if missing:
            result.failures[run.name] = f"needs {missing[0]}, which failed"
            display.log_message(f"{run.name}: {result.failures[run.name]}")
            continue
        try:
            spent = _train_one(run, device, display, stop)
        except Exception as error:  # noqa: BLE001 - hours of other rows must not end with whatever ends one
            result.failures[run.name] = _reason(error)
            display.log_message(f"{run.name} FAILED: {result.failures[run.name]}")
            continue
        if spent is None:
            result.stopped = True
            break
        result.spent[run.name] = spent
    return result


def _reason(error: Exception) -> str:
    """Say in one line what ended a training; an error that is none of ours with its kind."""
    text = " ".join(str(error).split())[:300]
    return text if isinstance(error, SnadnetError) else f"{type(error).__name__}: {text}"


def _train_one(run: PlannedRun, device: Device, display: RowDisplay, stop: StopSignal) -> Spent | None:
    """Train one network, unless it is trained; None if it was stopped.

    Raises:
        SnadnetError: If it cannot be trained.
    """
    begin_record(run)
    finished = spent_by(run)
    if finished is not None:
        display.log_message(f"{run.name}: is trained already ({finished.faces} faces seen)")
        return finished
    if stop.reason is not None:
        return None
    counts = _Counts()
    scores = train(
        run.settings, run.folder, device=device, display=display.show_run(run), stop=stop, callbacks=[counts]
    )
    if counts.progress < 1.0:
        return None
    spent = Spent(counts.steps, counts.faces, counts.seconds, scores)
    finish_record(run, spent)
    return spent
