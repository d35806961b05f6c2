"""``snadnet evaluate``: score restoration methods, or face parsers, on a test set."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from snadnet.cli.shared.extras import require_training_extra
from snadnet.cli.shared.options import DeviceOption, OverwriteOption, output_option
from snadnet.cli.shared.outputs import check_outputs
from snadnet.cli.shared.progress import show_progress
from snadnet.errors import ConfigError
from snadnet.files import write_atomically

PARSER: Final = Path("bisenet-small-sharp.safetensors")
SUFFIXES: Final = (".txt", ".md", ".tex", ".json", ".csv")


class Form(StrEnum):
    """How the result is printed."""

    TEXT = "text"
    MARKDOWN = "markdown"
    LATEX = "latex"
    JSON = "json"


SUFFIX_OF: Final = {Form.TEXT: ".txt", Form.MARKDOWN: ".md", Form.LATEX: ".tex", Form.JSON: ".json"}


MethodsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="METHOD...",
        help="A released name (snadnet-small), an .onnx or .safetensors file, 'blurred', or a folder of pictures that "
        "any tool restored, named as the test set's. NAME=METHOD gives it a name in tables. Or face parsers.",
    ),
]
TestSetOption = Annotated[
    str, typer.Option("--on", metavar="TESTSET", help="A folder that snadnet freeze wrote, or PROTOCOL:FOLDER.")
]
LastOption = Annotated[int | None, typer.Option(min=1, help="Only the last N faces.")]
LabelsOption = Annotated[
    Path | None, typer.Option(help="Folder of label maps of the faces, for PROTOCOL:FOLDER.", rich_help_panel="Metrics")
]
ParserOption = Annotated[
    Path, typer.Option(help="Face parser (.safetensors) for mIoU, or a released one.", rich_help_panel="Metrics")
]


def evaluate(
    methods: MethodsArgument,
    *,
    on: TestSetOption,
    last: LastOption = None,
    labels: LabelsOption = None,
    parser: ParserOption = PARSER,
    inception: Annotated[
        Path | None,
        typer.Option(help="torch-fidelity's Inception weights (.pth) for FID and KID.", rich_help_panel="Metrics"),
    ] = None,
    embedding: Annotated[
        Path | None,
        typer.Option(help="Face-recognition network (SFace, .onnx) for identity.", rich_help_panel="Metrics"),
    ] = None,
    only_fidelity: Annotated[
        bool, typer.Option("--only-fidelity", help="PSNR, SSIM and L1 % only: fast.", rich_help_panel="Metrics")
    ] = False,
    form: Annotated[Form, typer.Option("--format", help="How to print the result.")] = Form.TEXT,
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
    seed: Annotated[int, typer.Option(min=0, help="Settles the draws, and the subsets of KID.")] = 0,
    batch_size: Annotated[int, typer.Option(min=1, help="Faces at a time; no score depends on it.")] = 8,
    device: DeviceOption = "auto",
    overwrite: OverwriteOption = False,
) -> None:
    """Score methods on a test set, face by face, beside the blurred input itself."""
    require_training_extra()
    from snadnet.environment import run_header  # noqa: PLC0415
    from snadnet.evaluation.breakdown import find_groupings  # noqa: PLC0415
    from snadnet.evaluation.inception import InceptionFeatures, missing_for_inception  # noqa: PLC0415 (needs PyTorch)
    from snadnet.evaluation.instruments import SFACE_REMEDY, Fidelity, Instrument, Landmarks, Parsing  # noqa: PLC0415
    from snadnet.evaluation.methods import (  # noqa: PLC0415
        BLURRED,
        find_method,
        is_parser,
        refuse_twins,
        weights_file,
    )
    from snadnet.evaluation.parsers import evaluate_parsers, parser_document  # noqa: PLC0415
    from snadnet.evaluation.report.records import as_csv, as_json  # noqa: PLC0415
    from snadnet.evaluation.report.summary import summarize  # noqa: PLC0415
    from snadnet.evaluation.report.tables import as_latex, as_markdown, as_text, summary_document  # noqa: PLC0415
    from snadnet.evaluation.runner import evaluate as score  # noqa: PLC0415
    from snadnet.evaluation.statistics import Resampling  # noqa: PLC0415
    from snadnet.evaluation.test_set import find_test_set  # noqa: PLC0415
    from snadnet.inference.torch_backend import torch_device  # noqa: PLC0415

    outputs = output or []
    check_outputs(outputs, SUFFIXES, overwrite=overwrite)
    header = run_header(["snadnet", "onnxruntime", "torch", "torchmetrics", "numpy"]).splitlines()
    test_set = find_test_set(on, last=last, labels=labels)
    groupings = find_groupings(by or [], test_set)
    parsers = [is_parser(text) for text in methods]
    if any(parsers):
        if not all(parsers):
            raise ConfigError("score face parsers and deblurring methods in two calls: they share no metric")
        if groupings:
            raise ConfigError("--by is for deblurring methods; leave it out for face parsers")
        if form is Form.JSON or any(path.suffix.lower() in (".json", ".csv") for path in outputs):
            raise ConfigError("the scores of face parsers come as text, Markdown and LaTeX only")
        with show_progress("Evaluating", len(test_set)) as progress:
            parser_scores = evaluate_parsers(methods, test_set, device=torch_device(device), advance=progress.advance)
        document = parser_document(parser_scores, test_set, header=header)
        write: dict[str, Callable[[], str]] = {}
    else:
        chosen = [find_method(text, test_set, device=device) for text in methods if text != BLURRED]
        refuse_twins(chosen)
        instruments: list[Instrument] = [Fidelity()]
        features = None
        if not only_fidelity:
            place = torch_device(device)
            instruments.append(Parsing(weights_file(str(parser)), device=place, labelled=test_set.labelled))
            instruments.append(Landmarks(embedding))
            header += [] if embedding is not None else [SFACE_REMEDY]
            if (reason := missing_for_inception(inception)) is not None:
                header.append(reason)
            elif inception is not None:
                features = InceptionFeatures(inception, device=place)
        with show_progress("Evaluating", len(test_set)) as progress:
            evaluation = score(
                chosen,
                test_set,
                instruments,
                inception=features,
                groupings=groupings,
                batch_size=batch_size,
                seed=seed,
                advance=progress.advance,
            )
        summary = summarize(evaluation, Resampling(count=resamples, seed=seed))
        document = summary_document(summary, header=header, paper=paper)
        write = {
            ".csv": lambda: as_csv(summary),
            ".json": lambda: as_json(summary, header=document.header, paper=paper),
        }
    write |= {
        ".txt": lambda: as_text(document),
        ".md": lambda: as_markdown(document),
        ".tex": lambda: as_latex(document),
    }
    typer.echo(write[SUFFIX_OF[form]](), nl=False)
    for path in outputs:
        write_atomically(path, write[path.suffix.lower()]().encode("utf-8"))
