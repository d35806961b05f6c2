"""``snadnet benchmark``: the cost of each deblurring network."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from snadnet.cli.shared.extras import require_training_extra
from snadnet.cli.shared.options import OverwriteOption, output_option
from snadnet.cli.shared.outputs import check_outputs
from snadnet.cli.shared.progress import show_progress
from snadnet.cli.shared.reports import SUFFIX_OF, Form, FormOption, publish
from snadnet.errors import ConfigError


def benchmark(
    networks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME|FILE...",
            help="Trained networks: released names, .onnx or .safetensors files.",
            show_default="all registered architectures, untrained",
        ),
    ] = None,
    *,
    untrained: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL", help="A registered architecture with random weights (snadnet models). Repeatable."
        ),
    ] = None,
    size: Annotated[int, typer.Option(min=32, max=4096, metavar="PX", help="Height and width of the image.")] = 256,
    runs: Annotated[int, typer.Option(min=1, metavar="N", help="Timed runs, for a median.")] = 10,
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where to compute.")] = "cpu",
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, max=1024, metavar="N", help="CPU threads of PyTorch; an ONNX graph has one.", show_default="its own"
        ),
    ] = None,
    fp16: Annotated[bool, typer.Option("--fp16", help="Mixed precision with float16, on CUDA.")] = False,
    half: Annotated[bool, typer.Option("--half", hidden=True)] = False,
    form: FormOption = Form.TEXT,
    output: Annotated[
        list[Path] | None,
        output_option("Write it to a file too: .txt, .md, .tex or .json. Repeatable.", metavar="FILE"),
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Measure the cost of deblurring networks: parameters, multiply-adds, seconds, peak memory.

    Each runs in a fresh process, one after the other. Exit code 1 if some could not be measured.
    """
    require_training_extra()
    from snadnet.environment import run_header  # noqa: PLC0415
    from snadnet.profiling.benchmark import (  # noqa: PLC0415 (needs PyTorch)
        BenchmarkOptions,
        busy_line,
        find_networks,
        measure_costs,
    )
    from snadnet.profiling.report import CostReport  # noqa: PLC0415

    outputs = output or []
    check_outputs(outputs, SUFFIX_OF.values(), overwrite=overwrite)
    if half:
        raise ConfigError("--half is now called --fp16")
    chosen = find_networks(networks or [], untrained or [])
    options = BenchmarkOptions(size=size, runs=runs, device=device, threads=threads, fp16=fp16)
    if fp16 and device != "cuda":
        raise ConfigError("--fp16 needs --device cuda: the CPU is measured in float32")
    if fp16 and any(Path(each.source).suffix.lower() == ".onnx" for each in chosen):
        raise ConfigError("--fp16 is for PyTorch: an ONNX graph computes in the precision that it was written in")
    # Before anything runs, as it says how busy the machine was without us.
    busy = busy_line()
    header = [*run_header(["snadnet", "torch", "onnxruntime", "numpy"]).splitlines(), *([busy] if busy else [])]
    with show_progress("Measuring networks", len(chosen)) as progress:
        costs = measure_costs(chosen, options, progress.advance)
    report = CostReport(costs, options, header)
    forms = {".txt": report.to_text, ".md": report.to_markdown, ".tex": report.to_latex, ".json": report.to_json}
    publish(forms, form, outputs)
    if any(cost.error is not None for cost in costs):
        raise typer.Exit(1)
