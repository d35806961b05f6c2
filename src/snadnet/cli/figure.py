"""``snadnet figure``: the paper's figures from our own results."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snadnet.cli.evaluate import LabelsOption, LastOption, MethodsArgument, ParserOption, TestSetOption
from snadnet.cli.shared.extras import require_training_extra
from snadnet.cli.shared.options import DeviceOption, OverwriteOption, output_option
from snadnet.cli.shared.outputs import check_outputs
from snadnet.inference.releases import DEFAULT_PARSER, DEFAULT_WEIGHTS
from snadnet.photo import printable

if TYPE_CHECKING:  # needs PyTorch
    import numpy as np
    from numpy.typing import NDArray

    from snadnet.metrics.base import ScoredFace

app = typer.Typer(help="Draw the paper's figures from a test set, as PNG, JPEG or PDF.", no_args_is_help=True)

FaceOption = Annotated[list[str] | None, typer.Option("--face", help="A face by its name. Repeatable.")]
CountOption = Annotated[int, typer.Option(min=1, help="Without --face: so many, spread over the test set.")]
OutputOption = Annotated[list[Path], output_option("The figure: .png, .jpg or .pdf. Repeatable.", metavar="FILE")]


@app.command()
def comparison(
    methods: MethodsArgument,
    *,
    on: TestSetOption,
    output: OutputOption,
    face: FaceOption = None,
    count: CountOption = 4,
    last: LastOption = None,
    device: DeviceOption = "auto",
    overwrite: OverwriteOption = False,
) -> None:
    """Methods side by side, eyes and mouth enlarged (Fig. 1, 2, 8 to 10, 12, 13): blurred, each method, sharp."""
    _check(output, overwrite=overwrite)
    from snadnet.evaluation import figures, find_method, find_test_set  # noqa: PLC0415 (needs PyTorch)

    test_set = find_test_set(on, last=last)
    chosen = [find_method(text, test_set, device=device) for text in methods]
    _write(figures.draw_comparison(chosen, figures.choose_faces(test_set, face or [], count)), output)


@app.command()
def regions(
    *,
    on: TestSetOption,
    output: OutputOption,
    parser: ParserOption = DEFAULT_PARSER,
    face: FaceOption = None,
    count: CountOption = 4,
    last: LastOption = None,
    labels: LabelsOption = None,
    device: DeviceOption = "auto",
    overwrite: OverwriteOption = False,
) -> None:
    """The four regions of the reconstruction loss (Fig. 6), of the labels or else of the parser."""
    _check(output, overwrite=overwrite)
    from snadnet.evaluation import figures  # noqa: PLC0415 (needs PyTorch)

    faces = _faces(on, last, labels, face, count)
    _write(figures.draw_regions(faces, parser, device=device), output)


@app.command()
def parsing(
    *,
    on: TestSetOption,
    output: OutputOption,
    before: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="Parser trained on sharp faces (released or .safetensors).")
    ] = DEFAULT_PARSER,
    after: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="The fine-tuned one, or a SNADNet that holds it (.safetensors).")
    ] = "snadnet-small.safetensors",
    face: FaceOption = None,
    count: CountOption = 4,
    last: LastOption = None,
    device: DeviceOption = "auto",
    overwrite: OverwriteOption = False,
) -> None:
    """Parsing of blurred faces before and after fine-tuning, beside that of the sharp face (Fig. 7)."""
    _check(output, overwrite=overwrite)
    from snadnet.evaluation import figures  # noqa: PLC0415 (needs PyTorch)

    faces = _faces(on, last, None, face, count)
    _write(figures.draw_parsing(faces, before, after, device=device), output)


@app.command()
def restoration(
    network: Annotated[
        str,
        typer.Argument(metavar="NAME|FILE", help="A network that parses faces: a released name, .onnx, .safetensors."),
    ] = DEFAULT_WEIGHTS,
    *,
    on: TestSetOption,
    output: OutputOption,
    face: FaceOption = None,
    count: CountOption = 4,
    last: LastOption = None,
    device: DeviceOption = "auto",
    overwrite: OverwriteOption = False,
) -> None:
    """What a SNADNet sees and makes (Fig. 11): the blurred face, its parsing, the restored and the sharp face."""
    _check(output, overwrite=overwrite)
    from snadnet.evaluation import figures  # noqa: PLC0415 (needs PyTorch)

    faces = _faces(on, last, None, face, count)
    _write(figures.draw_restoration(faces, network, device=device), output)


def _check(outputs: Sequence[Path], *, overwrite: bool) -> None:
    require_training_extra()
    from snadnet.evaluation.figures.image_grid import SUFFIXES  # noqa: PLC0415

    check_outputs(outputs, SUFFIXES, overwrite=overwrite)


def _faces(
    on: str, last: int | None, labels: Path | None, names: Sequence[str] | None, count: int
) -> "list[ScoredFace]":
    from snadnet.evaluation import figures, find_test_set  # noqa: PLC0415

    return figures.choose_faces(find_test_set(on, last=last, labels=labels), names or [], count)


def _write(grid: "NDArray[np.uint8]", outputs: Sequence[Path]) -> None:
    from snadnet.evaluation.figures import write_grid  # noqa: PLC0415

    for path in outputs:
        write_grid(grid, path)
        typer.echo(f"{printable(path)}: {grid.shape[1]} x {grid.shape[0]} px")
