"""``snadnet evaluate``: score restoration methods on a test set."""

from pathlib import Path
from typing import Annotated, Final

import typer

from snadnet.cli.shared.extras import require_training_extra
from snadnet.cli.shared.options import DeviceOption, EffortOption, LightOption, OverwriteOption, output_option
from snadnet.cli.shared.outputs import check_outputs
from snadnet.cli.shared.progress import show_progress
from snadnet.cli.shared.reports import Form, FormOption, publish
from snadnet.errors import ConfigError
from snadnet.faces.defaults import Light
from snadnet.inference.releases import DEFAULT_PARSER

SUFFIXES: Final = (".txt", ".md", ".tex", ".json", ".csv")
_PANEL: Final = "Metrics"

MethodsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="METHOD...",
        help="A released name (fidelity, natural), an .onnx or .safetensors file, 'blurred', or a folder of images "
        "that any tool restored, named as the test set's. NAME=METHOD gives it a name in tables.",
    ),
]
TestSetOption = Annotated[
    str, typer.Option("--on", metavar="TESTSET", help="A folder that snadnet freeze wrote, or PROTOCOL:FOLDER.")
]
LastOption = Annotated[int | None, typer.Option(min=1, help="Only the last N faces.")]
LabelsOption = Annotated[
    Path | None, typer.Option(help="Folder of label maps of the faces, for PROTOCOL:FOLDER.", rich_help_panel=_PANEL)
]
ParserOption = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE", help="Face parser for mIoU: a released one or .safetensors.", rich_help_panel=_PANEL
    ),
]


def evaluate(
    methods: MethodsArgument,
    *,
    on: TestSetOption,
    last: LastOption = None,
    labels: LabelsOption = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="fidelity (always), parsing, identity, landmarks, lpips, distribution or kernel-distance; repeatable. "
            "Left out: all whose files and packages are there.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    only_fidelity: Annotated[
        bool,
        typer.Option("--only-fidelity", help="The same as --metric fidelity: fast.", rich_help_panel=_PANEL),
    ] = False,
    parser: ParserOption = DEFAULT_PARSER,
    inception: Annotated[
        Path | None,
        typer.Option(help="torch-fidelity's Inception weights (.pth) for FID and KID.", rich_help_panel=_PANEL),
    ] = None,
    embedding: Annotated[
        Path | None,
        typer.Option(
            help="Face-recognition network (SFace, .onnx) for identity, instead of dlib's.", rich_help_panel=_PANEL
        ),
    ] = None,
    lpips: Annotated[
        Path | None,
        typer.Option(help="torchvision's AlexNet (.pth) for LPIPS.", rich_help_panel=_PANEL),
    ] = None,
    form: FormOption = Form.TEXT,
    output: Annotated[
        list[Path] | None,
        output_option(
            "Write it to a file too: .txt, .md, .tex, .json, or .csv (every face). Repeatable.", metavar="FILE"
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Add a table by kernel, brightness, glasses, hat or mouth. Repeatable."),
    ] = None,
    paper: Annotated[bool, typer.Option("--paper", help="Add the paper's own figures, marked as such.")] = False,
    resamples: Annotated[int, typer.Option(min=0, help="Bootstrap draws for the intervals; 0 for none.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws, and of the subsets of KID.")] = 0,
    batch_size: Annotated[int, typer.Option(min=1, help="Faces at a time; no score depends on it.")] = 8,
    device: DeviceOption = "auto",
    effort: EffortOption = 1,
    light: LightOption = Light.SRGB,
    overwrite: OverwriteOption = False,
) -> None:
    """Score methods on a test set, face by face, beside the blurred input itself.

    Face parsers have a verb of their own: snadnet evaluate-parsers.
    """
    require_training_extra()
    from snadnet import evaluation  # noqa: PLC0415 (needs PyTorch)
    from snadnet.environment import run_header  # noqa: PLC0415

    outputs = output or []
    check_outputs(outputs, SUFFIXES, overwrite=overwrite)
    if only_fidelity and metric:
        raise ConfigError("--only-fidelity and --metric exclude each other; give --metric only")
    test_set = evaluation.find_test_set(on, last=last, labels=labels)
    with show_progress("Evaluating faces", len(test_set)) as progress:
        report = evaluation.evaluate(
            methods,
            test_set,
            ["fidelity"] if only_fidelity else metric or None,
            options=evaluation.MetricOptions(
                parser=parser, embedding=embedding, inception=inception, lpips=lpips, device=device
            ),
            by=by or [],
            resampling=evaluation.Resampling(count=resamples, seed=seed),
            batch_size=batch_size,
            effort=effort,
            light=light,
            header=run_header(["snadnet", "onnxruntime", "torch", "torchmetrics", "numpy"]).splitlines(),
            paper=paper,
            advance=progress.advance,
        )
    forms = {
        ".txt": report.to_text,
        ".md": report.to_markdown,
        ".tex": report.to_latex,
        ".json": report.to_json,
        ".csv": report.to_csv,
    }
    publish(forms, form, outputs)
