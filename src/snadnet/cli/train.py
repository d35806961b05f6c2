"""``snadnet train``."""

from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from snadnet.cli.shared.extras import require_training_extra
from snadnet.cli.shared.options import ConfigOption, DeviceOption
from snadnet.cli.shared.stopping import stop_on_signals
from snadnet.concurrency import StopSignal
from snadnet.errors import ConfigError

_FORMER_VERBS = ("parsing", "deblurring")


def train(
    *,
    config: ConfigOption,
    run: Annotated[
        Path, typer.Option("--run", "-r", help="Folder of the run. If it holds a checkpoint, training goes on from it.")
    ],
    override: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", help="Override a setting, like optimizer.learning_rate=1e-4. Repeatable."),
    ] = None,
    time_budget: Annotated[
        str | None, typer.Option(help="Train for this time (90m, 3h) with the schedule fitted to it.")
    ] = None,
    device: DeviceOption = "auto",
    former: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
) -> None:
    """Train a network: a face parser, SNADNet or a baseline, as the configuration's recipe says.

    The same command goes on with a run that was stopped.
    """
    if former:
        raise ConfigError(f"train {former[0]}: the recipe of the configuration says what to train; {_advice(former)}")
    require_training_extra()
    from snadnet.training import load_settings  # noqa: PLC0415 (needs PyTorch)
    from snadnet.training import train as train_network  # noqa: PLC0415

    overrides = list(override or [])
    if time_budget is not None:
        overrides += ["schedule.steps=null", f"schedule.time_budget={time_budget}"]
    settings = load_settings(config, overrides)
    stop = StopSignal()
    with stop_on_signals(stop) as caught, ProgressDisplay() as display:
        train_network(settings, run, device=device, display=display, stop=stop)
    if caught.exit_code is not None:
        raise typer.Exit(caught.exit_code)


def _advice(former: list[str]) -> str:
    known = former[0] in _FORMER_VERBS
    return "write: snadnet train -c FILE -r RUN" if known else "give the file as -c FILE and the folder as -r RUN"


class ProgressDisplay:
    """Shows a training on the terminal: messages as lines and, where it is a terminal, a bar with the time left."""

    def __init__(self) -> None:
        self._console = Console(soft_wrap=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[state]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("training", total=1.0, state="")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def log_message(self, line: str) -> None:
        """Print a line above the bar."""
        self._console.print(line, markup=False, highlight=False)

    def advance(self, progress: float, state: str) -> None:
        """Move the bar to a fraction in [0, 1]. It starts here, in the one process of a run that shows it."""
        self._bar.start()
        self._bar.update(self._task, completed=progress, state=state)
