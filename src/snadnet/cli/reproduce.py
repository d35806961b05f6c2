"""``snadnet reproduce``: the paper's tables, made again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from snadnet.cli.shared.extras import require_training_extra
from snadnet.cli.shared.options import DeviceOption
from snadnet.cli.shared.progress import ProgressDisplay, show_progress
from snadnet.cli.shared.reports import Form, FormOption, publish
from snadnet.cli.shared.stopping import stop_on_signals
from snadnet.cli.train import TrainingDisplay
from snadnet.concurrency import StoppedError, StopSignal

if TYPE_CHECKING:
    from snadnet.experiments import Plan, PlannedRun

_PANEL: Final = "Metrics"
_SUFFIXES: Final = (".txt", ".md", ".tex", ".json")


def reproduce(
    table: Annotated[
        str, typer.Argument(metavar="TABLE", help="table-1, table-2 or table-3, or a YAML file that defines a table.")
    ],
    *,
    runs: Annotated[
        Path,
        typer.Option("--runs", "-r", help="Folder of all trainings and results; what is trained there is not again."),
    ],
    budget: Annotated[
        str, typer.Option(help="What each row may spend: time (30m, 2h), or faces seen (20000faces).")
    ] = "30m",
    scale: Annotated[
        str, typer.Option(help="tiny: reduced networks for a CPU; paper: the papers' own, for GPUs.")
    ] = "tiny",
    data: Annotated[Path, typer.Option(help="Folder of the data sets.")] = Path("data"),
    override: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", help="Override a setting of every training, like precision=bf16. Repeatable."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be trained and for how long, and stop.")
    ] = False,
    device: DeviceOption = "auto",
    metric: Annotated[
        list[str] | None,
        typer.Option(help="As for snadnet evaluate; repeatable. Left out: all.", rich_help_panel=_PANEL),
    ] = None,
    inception: Annotated[
        Path | None,
        typer.Option(help="torch-fidelity's Inception weights (.pth) for FID.", rich_help_panel=_PANEL),
    ] = None,
    timed_runs: Annotated[
        int, typer.Option(min=0, help="Runs by which a network's seconds a face are measured; 0 for none.")
    ] = 5,
    form: FormOption = Form.TEXT,
) -> None:
    """Make a table of the paper again: train every row under one budget, score all on one frozen test set, report.

    The same command goes on where it was stopped. A row that fails is named, and the others go on; exit code 1 then.
    The result is also written beside the trainings, as text, Markdown, LaTeX and JSON.
    """
    require_training_extra()
    from snadnet import experiments  # noqa: PLC0415 (needs PyTorch)
    from snadnet.environment import run_header  # noqa: PLC0415
    from snadnet.evaluation import MetricOptions  # noqa: PLC0415

    place = experiments.find_definition(table, scale)
    plan = experiments.make_plan(
        experiments.read_definition(place),
        place,
        experiments.Budget.parse(budget),
        runs,
        data=data,
        overrides=override or [],
    )
    if dry_run:
        _show(plan)
        return
    metric_options = MetricOptions(inception=inception, device=device)
    options = experiments.ReproduceOptions(metric or None, metric_options, timed_runs=timed_runs)
    header = run_header(["snadnet", "torch", "numpy"]).splitlines()
    stop = StopSignal()
    with (
        stop_on_signals(stop) as caught,
        show_progress("Training", 1.0, as_percentage=True, from_start=False) as bar,
    ):
        try:
            report = experiments.reproduce(plan, options, _TableDisplay(bar), stop=stop, header=header)
        except StoppedError:
            typer.echo("stopped; the same command goes on from there", err=True)
            raise typer.Exit(caught.exit_code or 1) from None
    forms = {".txt": report.to_text, ".md": report.to_markdown, ".tex": report.to_latex, ".json": report.to_json}
    publish(forms, form, [plan.folder / f"{place.stem}{suffix}" for suffix in _SUFFIXES])
    if report.failures:
        raise typer.Exit(1)


def _show(plan: "Plan") -> None:
    """Print what would be trained, and for how long."""
    from snadnet.experiments.run_record import progress_of, spent_by  # noqa: PLC0415 (needs PyTorch)
    from snadnet.models import describe_model  # noqa: PLC0415
    from snadnet.models.complexity import measure_complexity  # noqa: PLC0415
    from snadnet.tables import Document, Table  # noqa: PLC0415

    def cells(run: "PlannedRun") -> tuple[str, ...]:
        macs = measure_complexity(describe_model(run.settings.model)).macs
        return run.name, run.settings.recipe, run.settings.model, f"{macs / 1e9:.2f}", str(run.budget), progress_of(run)

    left = [run for run in plan.runs if spent_by(run) is None]
    heads = ("training", "recipe", "model", "GMACs", "budget", "state")
    table = Table(f"{plan.definition.title}: {len(plan.runs)} trainings", heads, tuple(map(cells, plan.runs)))
    test = plan.definition.test
    lines = [
        f"trainings and results: {plan.folder}",
        f"scored on: {test.images}, {test.protocol}, {'all' if test.last is None else f'the last {test.last}'} faces",
    ]
    if plan.budget.seconds is None:
        lines.append(f"to train: {len(left)}, by faces seen; how long that takes depends on the machine")
    else:
        hours = sum(run.budget.seconds or 0.0 for run in left) / 3600
        lines.append(f"to train: {len(left)}, {hours:.1f} h less what is begun; loading, validation and scoring on top")
    typer.echo(Document(tuple(lines), (table,)).to_text(), nl=False)


class _TableDisplay:
    """Shows the trainings of a table: one bar, and lines with the name of the training before them."""

    def __init__(self, bar: ProgressDisplay) -> None:
        self._bar = bar

    def show_run(self, run: "PlannedRun") -> TrainingDisplay:
        """Name the training that begins, and show it."""
        self.log_message(f"{run.name}: {run.settings.model}, {run.budget}")
        return TrainingDisplay(self._bar, prefix=f"{run.name}: ")

    def log_message(self, line: str) -> None:
        """Print a line, above the bar."""
        print(line, flush=True)
