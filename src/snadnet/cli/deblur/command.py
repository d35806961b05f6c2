"""``snadnet deblur``: photos in, the same photos with their faces deblurred out."""

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from snadnet.cli.deblur.batch import Treatment, run_batch
from snadnet.cli.deblur.choices import face_choice
from snadnet.cli.deblur.inputs import find_photos, names_one_file
from snadnet.cli.deblur.naming import DEFAULT_TEMPLATE, Layout, checked_template, plan, refuse_reports
from snadnet.cli.deblur.report import Record, Report, Status, exit_code
from snadnet.cli.deblur.streams import STREAM, check_streams, read_standard_input
from snadnet.cli.shared.options import (
    DEFAULT_MAX_FILE_SIZE,
    DEFAULT_MAX_PIXELS,
    LIMITS_PANEL,
    MaxFileSize,
    MaxPixels,
    limits,
)
from snadnet.cli.shared.paths import is_folder
from snadnet.cli.shared.stopping import stop_on_signals
from snadnet.concurrency import MAX_DEFAULT_WORKERS, StopSignal, default_workers
from snadnet.deblurrer import MAX_FACES, MIN_FACE, Deblurrer
from snadnet.faces import MIN_CONFIDENCE
from snadnet.inference import Backend, Device, load_model
from snadnet.inference.releases import DEFAULT_WEIGHTS
from snadnet.inference.resolve import check_model
from snadnet.photo import SUFFIXES

_FACES_PANEL = "Faces"
_OUTPUT_PANEL = "Output"
_BATCH_PANEL = "Batches"


def deblur(
    photos: Annotated[
        list[Path],
        typer.Argument(
            metavar="PHOTO",
            help="Photos, folders of photos, patterns in quotes such as 'in/**/*.jpg', or - for standard input.",
            show_default=False,
        ),
    ],
    *,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="Folder for the results, made if need be; for one photo also a file name, or - for standard output.",
            show_default=False,
        ),
    ],
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Take the subfolders of folders too, and keep the tree.")
    ] = False,
    strength: Annotated[
        float,
        typer.Option(min=0, max=1, help="How much of the restoration to apply; 0 leaves the photo as it is."),
    ] = 1.0,
    face: Annotated[
        str | None,
        typer.Option(
            metavar="all|largest|N",
            help="Which faces to restore; number 1 is the largest (see --draw-boxes).",
            show_default="all",
            rich_help_panel=_FACES_PANEL,
        ),
    ] = None,
    box: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,W,H",
            help="Restore the face in this box, in pixels of the upright photo, whether or not it is found.",
            rich_help_panel=_FACES_PANEL,
        ),
    ] = None,
    aligned: Annotated[
        bool,
        typer.Option(
            "--aligned",
            help="Each input is itself a face crop, 64 px or larger; no faces are looked for.",
            rich_help_panel=_FACES_PANEL,
        ),
    ] = False,
    min_face: Annotated[
        int,
        typer.Option(
            min=1, metavar="PX", help="Leave faces smaller than this as they are.", rich_help_panel=_FACES_PANEL
        ),
    ] = MIN_FACE,
    min_confidence: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Leave faces that the detector is less sure of as they are.",
            rich_help_panel=_FACES_PANEL,
        ),
    ] = MIN_CONFIDENCE,
    max_faces: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Restore at most so many faces a photo, the largest.", rich_help_panel=LIMITS_PANEL
        ),
    ] = MAX_FACES,
    require_face: Annotated[
        bool,
        typer.Option(
            "--require-face",
            help="Exit with code 3 where no photo failed, but some had no face to restore.",
            rich_help_panel=_FACES_PANEL,
        ),
    ] = False,
    name: Annotated[
        str,
        typer.Option(
            metavar="TEMPLATE",
            help="Names of the results, of {stem}, {suffix} and {parent}, such as '{stem}_deblurred{suffix}'.",
            rich_help_panel=_OUTPUT_PANEL,
        ),
    ] = DEFAULT_TEMPLATE,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace existing results. An input is never replaced.",
            rich_help_panel=_OUTPUT_PANEL,
        ),
    ] = False,
    strip_metadata: Annotated[
        bool,
        typer.Option(
            "--strip-metadata",
            help="Leave out EXIF (with the place), texts and all else besides the pixels, in sRGB.",
            rich_help_panel=_OUTPUT_PANEL,
        ),
    ] = False,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="Also write NAME_compare.png: before and after, side by side.",
            rich_help_panel=_OUTPUT_PANEL,
        ),
    ] = False,
    draw_boxes: Annotated[
        bool,
        typer.Option(
            "--draw-boxes",
            help="Also write NAME_boxes.png: the photo as it came, with the faces' boxes and numbers.",
            rich_help_panel=_OUTPUT_PANEL,
        ),
    ] = False,
    save_faces: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Also write each restored face there, as NAME_face1_before.png and NAME_face1_after.png.",
            rich_help_panel=_OUTPUT_PANEL,
        ),
    ] = None,
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing",
            help="Leave photos alone whose results are there: a stopped batch goes on where it was.",
            rich_help_panel=_BATCH_PANEL,
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            metavar="N",
            help="Photos that are worked on at a time; each takes memory. The results are the same.",
            show_default=f"one a core, {MAX_DEFAULT_WORKERS} at most",
            rich_help_panel=_BATCH_PANEL,
        ),
    ] = None,
    json_report: Annotated[
        Path | None,
        typer.Option(
            "--json",
            metavar="FILE",
            help="Also write a report at the end, as one JSON document.",
            rich_help_panel=_BATCH_PANEL,
        ),
    ] = None,
    jsonl_report: Annotated[
        Path | None,
        typer.Option(
            "--jsonl",
            metavar="FILE",
            help="Also write a line of JSON for each photo, at once; with --skip-existing the file is continued.",
            rich_help_panel=_BATCH_PANEL,
        ),
    ] = None,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    max_file_size: MaxFileSize = DEFAULT_MAX_FILE_SIZE,
    device: Annotated[
        Literal["auto", "cpu", "cuda"],
        typer.Option(help="Where to compute; auto takes the GPU if there is one."),
    ] = "auto",
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The network: a released one, or with --weights the one that the file must hold (snadnet models).",
            show_default=DEFAULT_WEIGHTS,
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="fidelity|natural|FILE",
            help="Least error, or the look of a sharp photo; or a network's file: .onnx of snadnet export, or "
            ".safetensors, which needs PyTorch.",
            show_default="fidelity",
        ),
    ] = None,
) -> None:
    """Deblur the faces in photos.

    The result is an estimate, not evidence: do not identify people by it.

    A photo in which no face could be restored counts as not done, and nothing is written for it.
    Exit code: 0 if all photos are done, 1 if some are not, 2 for a wrong command line, 3 if with --require-face
    nothing but faces was missing, 130 after Ctrl-C.
    """
    for option, value in (("--strength", strength), ("--min-confidence", min_confidence)):
        # "nan" is a number to click, on which typer may rest, and passes its range check.
        if math.isnan(value):
            raise typer.BadParameter("must be a number from 0 to 1", param_hint=option)
    one_file = names_one_file(photos)
    out_is_file = one_file and out != STREAM and not is_folder(out) and out.suffix.lower() in SUFFIXES
    if name != DEFAULT_TEMPLATE and (out_is_file or out == STREAM):
        raise typer.BadParameter("the result has a name already, by -o; name a folder there", param_hint="--name")
    layout = Layout(
        out=out,
        out_is_file=out_is_file,
        template=checked_template(name),
        compare=compare,
        boxes=draw_boxes,
        faces=save_faces,
    )
    check_streams(photos, out, one_file=one_file, out_is_file=layout.out_is_file, beside=layout.compare or layout.boxes)
    found = find_photos(photos, recursive=recursive, leave_out=[out, *([save_faces] if save_faces else [])])
    jobs, left_out = plan(found.sources, layout, overwrite=overwrite)
    refuse_reports(jobs, [path for path in (json_report, jsonl_report) if path is not None])
    treatment = Treatment(
        strength=strength,
        choice=face_choice(face, box, aligned=aligned),
        aligned=aligned,
        limits=limits(max_pixels, max_file_size),
        strip_metadata=strip_metadata,
        overwrite=overwrite,
        skip_existing=skip_existing,
    )
    for notice in (*found.notices, *left_out):
        print(notice, file=sys.stderr)
    if photos == [STREAM]:
        standard_input = read_standard_input(treatment.limits.max_file_bytes)
        treatment = replace(treatment, standard_input=standard_input)
    stop = StopSignal()
    report = Report(
        total=len(jobs) + len(found.problems),
        only_errors=out == STREAM,
        json_path=json_report,
        jsonl_path=jsonl_report,
        overwrite=overwrite,
        append=skip_existing,
    )
    with report, stop_on_signals(stop) as signals:
        for problem in found.problems:
            report.add(Record(str(problem.path), Status.FAILED, problem.message))
        if jobs:
            deblurrer = Deblurrer(
                network=_open(model, weights, device),
                min_confidence=min_confidence,
                min_face=min_face,
                max_faces=max_faces,
            )
            used = min(workers or default_workers(), len(jobs))
            run_batch(jobs, deblurrer, treatment, workers=used, report=report, stop=stop)
        report.finish(stopped_by=stop.reason)
    code = signals.exit_code or exit_code(report.counts, require_face=require_face)
    if code:
        raise typer.Exit(code)


def _open(model: str | None, weights: Path | None, device: Device) -> Backend:
    """Open the network of ``--weights``, which must hold ``--model`` if that is given, or the release it names."""
    network = load_model(model if weights is None else weights, device)
    if model is not None and weights is not None:
        check_model(network, model, weights)
    return network
