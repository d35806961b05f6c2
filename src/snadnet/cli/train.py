"""``snadnet train parsing`` and ``snadnet train deblurring``."""

from pathlib import Path
from typing import Annotated

import typer

from snadnet.cli.shared.extras import require_training_extra

app = typer.Typer(help="Train a face parser (stage I) or a deblurring network (stage II).", no_args_is_help=True)

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="YAML file with the settings; see configs/.")]
RunOption = Annotated[
    Path, typer.Option("--run", "-r", help="Folder of the run. If it holds a checkpoint, training goes on from it.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", help="Override a setting, like optimizer.learning_rate=1e-4. Repeatable."),
]
BudgetOption = Annotated[str | None, typer.Option(help="Train for this time (90m, 3h) with the schedule fitted to it.")]
CpuOption = Annotated[bool, typer.Option("--cpu", help="Train on the CPU even if there is a GPU.")]


def _overrides(values: list[str] | None, time_budget: str | None) -> list[str]:
    if time_budget is None:
        return values or []
    return [*(values or []), "schedule.steps=null", f"schedule.time_budget={time_budget}"]


@app.command()
def parsing(
    config: ConfigOption,
    run: RunOption,
    override: SetOption = None,
    time_budget: BudgetOption = None,
    cpu: CpuOption = False,
) -> None:
    """Train a face parser, or fine-tune it on blurred faces."""
    require_training_extra()
    from snadnet.training.config import ParsingSettings, load_settings  # noqa: PLC0415 (needs PyTorch)
    from snadnet.training.parsing import train_parsing  # noqa: PLC0415

    train_parsing(load_settings(ParsingSettings, config, _overrides(override, time_budget)), run, cpu=cpu)


@app.command()
def deblurring(
    config: ConfigOption,
    run: RunOption,
    override: SetOption = None,
    time_budget: BudgetOption = None,
    cpu: CpuOption = False,
) -> None:
    """Train a deblurring network by its recipe: SNADNet's generator under a frozen parser, or a baseline."""
    require_training_extra()
    from snadnet.training.deblurring import train_deblurring  # noqa: PLC0415 (needs PyTorch)
    from snadnet.training.recipes import load_deblurring_settings  # noqa: PLC0415

    train_deblurring(load_deblurring_settings(config, _overrides(override, time_budget)), run, cpu=cpu)
