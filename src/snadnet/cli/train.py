"""``snadnet train``."""

from pathlib import Path
from typing import Annotated

import typer

from snadnet.cli.shared.extras import require_training_extra
from snadnet.cli.shared.options import ConfigOption, DeviceOption
from snadnet.cli.shared.progress import ProgressDisplay, show_progress
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
    former: Annotated[list[str] | None, typer.Argument(hidden=True, metavar="")] = None,
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
    with (
        stop_on_signals(stop) as caught,
        show_progress("Training", 1.0, as_percentage=True, from_start=False) as bar,
    ):
        train_network(settings, run, device=device, display=TrainingDisplay(bar), stop=stop)
    if caught.exit_code is not None:
        raise typer.Exit(caught.exit_code)


def _advice(former: list[str]) -> str:
    known = former[0] in _FORMER_VERBS
    return "write: snadnet train -c FILE -r RUN" if known else "give the file as -c FILE and the folder as -r RUN"


class TrainingDisplay:
    """Shows a training: its messages as lines, its progress by the bar that all verbs share.

    Args:
        bar: The bar.
        prefix: What each line begins with.
    """

    def __init__(self, bar: ProgressDisplay, prefix: str = "") -> None:
        self._bar = bar
        self._prefix = prefix

    def log_message(self, line: str) -> None:
        """Print a line, above the bar."""
        print(f"{self._prefix}{line}", flush=True)

    def advance(self, progress: float, state: str) -> None:
        """Move the bar to a fraction in [0, 1]. It appears now, in the one process of a run that shows it."""
        self._bar.update(progress, state)
