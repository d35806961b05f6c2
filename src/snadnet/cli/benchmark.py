"""``snadnet benchmark``: what each deblurring network costs."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from snadnet.cli.evaluate import SUFFIX_OF, Form
from snadnet.cli.shared.extras import require_training_extra
from snadnet.cli.shared.options import OverwriteOption, output_option
from snadnet.cli.shared.outputs import check_outputs
from snadnet.cli.shared.progress import show_progress
from snadnet.errors import ConfigError
from snadnet.files import write_atomically


def benchmark(
    networks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL|FILE",
            help="Registered models (snadnet models), which get untrained weights, or .onnx and .safetensors files.",
            show_default="all registered deblurring models",
        ),
    ] = None,
    *,
    size: Annotated[int, typer.Option(min=32, max=4096, metavar="PX", help="Height and width of the picture.")] = 256,
    runs: Annotated[int, typer.Option(min=1, metavar="N", help="Timed runs; their median is told.")] = 10,
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where to compute.")] = "cpu",
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, max=1024, metavar="N", help="CPU threads of PyTorch; an ONNX graph has one.", show_default="its own"
        ),
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Mixed precision with float16, on CUDA.")] = False,
    form: Annotated[Form, typer.Option("--format", help="How to print the result.")] = Form.TEXT,
    output: Annotated[
        list[Path] | None,
        output_option("Write it to a file too: .txt, .md, .tex or .json. Repeatable.", metavar="FILE"),
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Measure what deblurring networks cost: parameters, multiply-adds, seconds, peak memory.

    Each runs in a fresh process, one after the other. Exit code 1 if some could not be measured.
    """
    require_training_extra()
    from snadnet.environment import run_header  # noqa: PLC0415
    from snadnet.evaluation.report.tables import as_latex, as_markdown, as_text  # noqa: PLC0415
    from snadnet.profiling.benchmark import (  # noqa: PLC0415 (needs PyTorch)
        Setting,
        busy_line,
        cost_document,
        costs_as_json,
        find_subjects,
        measure_costs,
    )

    outputs = output or []
    check_outputs(outputs, SUFFIX_OF.values(), overwrite=overwrite)
    subjects = find_subjects(networks or [])
    setting = Setting(size=size, runs=runs, device=device, threads=threads, half=half)
    if half and device != "cuda":
        raise ConfigError("--half needs --device cuda: the CPU is measured in float32")
    if half and any(Path(subject.source).suffix.lower() == ".onnx" for subject in subjects):
        raise ConfigError("--half is for PyTorch: an ONNX graph computes in the precision that it was written in")
    # Before anything runs, as it tells how busy the machine was without us.
    busy = busy_line()
    header = [*run_header(["snadnet", "torch", "onnxruntime", "numpy"]).splitlines(), *([busy] if busy else [])]
    with show_progress("Measuring", len(subjects)) as progress:
        costs = measure_costs(subjects, setting, progress.advance)
    document = cost_document(costs, setting, header=header)
    write: dict[str, Callable[[], str]] = {
        ".txt": lambda: as_text(document),
        ".md": lambda: as_markdown(document),
        ".tex": lambda: as_latex(document),
        ".json": lambda: costs_as_json(costs, setting, header=document.header),
    }
    typer.echo(write[SUFFIX_OF[form]](), nl=False)
    for path in outputs:
        write_atomically(path, write[path.suffix.lower()]().encode("utf-8"))
    if any(cost.error is not None for cost in costs):
        raise typer.Exit(1)
