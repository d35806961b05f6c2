"""``snadnet evaluate-parsers``: score face parsers on a test set."""

from pathlib import Path
from typing import Annotated, Final

import typer

from snadnet.cli.evaluate import LastOption, TestSetOption
from snadnet.cli.shared.extras import require_training_extra
from snadnet.cli.shared.options import DeviceOption, OverwriteOption, output_option
from snadnet.cli.shared.outputs import check_outputs
from snadnet.cli.shared.progress import show_progress
from snadnet.cli.shared.reports import Form, FormOption, publish
from snadnet.errors import ConfigError

_SUFFIXES: Final = (".txt", ".md", ".tex")


def evaluate_parsers(
    parsers: Annotated[
        list[str],
        typer.Argument(
            metavar="PARSER...",
            help="A released parser, or a .safetensors file. NAME=PARSER gives it a name in tables.",
        ),
    ],
    *,
    on: TestSetOption,
    last: LastOption = None,
    labels: Annotated[Path | None, typer.Option(help="Folder of label maps of the faces, for PROTOCOL:FOLDER.")] = None,
    form: FormOption = Form.TEXT,
    output: Annotated[
        list[Path] | None,
        output_option("Write it to a file too: .txt, .md or .tex. Repeatable.", metavar="FILE"),
    ] = None,
    device: DeviceOption = "auto",
    overwrite: OverwriteOption = False,
) -> None:
    """Score face parsers by class, on the sharp and on the blurred faces of a test set with label maps."""
    require_training_extra()
    from snadnet import evaluation  # noqa: PLC0415 (needs PyTorch)
    from snadnet.environment import run_header  # noqa: PLC0415

    outputs = output or []
    check_outputs(outputs, _SUFFIXES, overwrite=overwrite)
    if form is Form.JSON:
        raise ConfigError("--format: the scores of face parsers come as text, Markdown and LaTeX only")
    test_set = evaluation.find_test_set(on, last=last, labels=labels)
    header = run_header(["snadnet", "torch", "torchmetrics", "numpy"]).splitlines()
    with show_progress("Evaluating faces", len(test_set)) as progress:
        report = evaluation.evaluate_parsers(parsers, test_set, device=device, header=header, advance=progress.advance)
    publish({".txt": report.to_text, ".md": report.to_markdown, ".tex": report.to_latex}, form, outputs)
