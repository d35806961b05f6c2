"""``snadnet deblur``: photos in, the same photos with their faces deblurred out."""

import math
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from snadnet.cli.inputs import Job, find_photos, names_a_file, plan
from snadnet.deblurrer import MIN_FACE, Deblurrer, Restoration
from snadnet.errors import NoFaceError, OutputExistsError, SnadnetError
from snadnet.faces import MIN_CONFIDENCE
from snadnet.photo import Photo, read_photo, shown, write_photo


def deblur(
    photos: Annotated[
        list[Path],
        typer.Argument(
            metavar="PHOTO",
            help="Photos, and folders of photos (without their subfolders).",
            show_default=False,
        ),
    ],
    *,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="Folder for the results, made if need be; for one photo also a file name.",
            show_default=False,
        ),
    ],
    strength: Annotated[
        float,
        typer.Option(min=0, max=1, help="How much of the restoration to apply; 0 leaves the photo as it is."),
    ] = 1.0,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also write NAME_compare.png: before and after, side by side.")
    ] = False,
    aligned: Annotated[
        bool,
        typer.Option("--aligned", help="Each input is itself a face crop, 64 px or larger; no faces are looked for."),
    ] = False,
    device: Annotated[
        Literal["auto", "cpu", "cuda"],
        typer.Option(help="Where to compute; auto takes the GPU if there is one."),
    ] = "auto",
    weights: Annotated[
        Path | None, typer.Option(help="ONNX file of another model.", show_default="the released model")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing results. An input is never replaced.")
    ] = False,
    min_face: Annotated[
        int, typer.Option(min=1, metavar="PX", help="Leave faces smaller than this as they are.")
    ] = MIN_FACE,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Leave faces that the detector is less sure of as they are.")
    ] = MIN_CONFIDENCE,
) -> None:
    """Deblur the faces in photos.

    The result is an estimate, not evidence: do not identify people by it.

    A photo in which no face could be restored counts as failed, and nothing is written for it.
    Exit code: 0 if all photos are done, 1 if some failed, 2 for a wrong command line.
    """
    for option, value in (("--strength", strength), ("--min-confidence", min_confidence)):
        # "nan" is a number to click, on which typer may rest, and passes its range check.
        if math.isnan(value):
            raise typer.BadParameter("must be a number from 0 to 1", param_hint=option)
    sources, problems = find_photos(photos)
    jobs = plan(sources, out, out_is_file=names_a_file(photos, out), compare=compare)
    for problem in problems:
        print(problem, file=sys.stderr)
    failed = len(problems)
    if jobs:
        deblurrer = Deblurrer(weights=weights, device=device, min_confidence=min_confidence, min_face=min_face)
        failed += _run(deblurrer, jobs, strength=strength, aligned=aligned, overwrite=overwrite)
    if failed:
        raise typer.Exit(1)


def _run(deblurrer: Deblurrer, jobs: Sequence[Job], *, strength: float, aligned: bool, overwrite: bool) -> int:
    """Does the jobs one by one, with a line for each; returns how many failed."""
    failed = 0
    # What `print` writes (unlike `typer.echo`) passes above a running bar; a redirected stream stays apart.
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(soft_wrap=True),
        transient=True,
        redirect_stderr=sys.stderr.isatty(),
        disable=len(jobs) < 2 or not sys.stdout.isatty(),  # noqa: PLR2004 - one photo needs no bar
    )
    with progress:
        for job in progress.track(jobs, description="Deblurring"):
            try:
                line = _deblur_one(deblurrer, job, strength=strength, aligned=aligned, overwrite=overwrite)
            except SnadnetError as error:
                failed += 1
                print(error, file=sys.stderr, flush=True)
            else:
                print(line, flush=True)
    return failed


def _deblur_one(deblurrer: Deblurrer, job: Job, *, strength: float, aligned: bool, overwrite: bool) -> str:
    """Does one photo and returns the line that says so."""
    for output in job.outputs:
        # Asked before the work too: restoring takes far longer than looking.
        if os.path.lexists(output) and not overwrite:
            raise OutputExistsError(f"{shown(output)}: exists already; choose another name or pass --overwrite")
    photo = read_photo(job.source)
    restore = deblurrer.restore_aligned if aligned else deblurrer.restore
    result = restore(photo, strength=strength)
    found = _in_words(result)
    if not result.faces:
        advice = "" if result.skipped else " (for a picture that is just a face, use --aligned)"
        raise NoFaceError(f"{shown(job.source)}: {found}; nothing written{advice}")
    write_photo(result.photo, job.target, overwrite=overwrite)
    if job.comparison is not None:
        write_photo(_side_by_side(result), job.comparison, overwrite=overwrite)
    return f"{shown(job.source)}: {found} -> {' and '.join(shown(output) for output in job.outputs)}"


def _in_words(result: Restoration) -> str:
    """What was found and done, such as "2 faces: 1 restored, 1 too small (18 px)"."""
    total = len(result.faces) + len(result.skipped)
    if not total:
        return "no face found"
    parts = [f"{len(result.faces)} restored"] if result.faces else []
    parts += [f"{count} {reason}" for reason, count in Counter(face.reason for face in result.skipped).items()]
    return f"{total} {'face' if total == 1 else 'faces'}: {', '.join(parts)}"


def _side_by_side(result: Restoration) -> Photo:
    before, after = result.original, result.photo
    joined = np.concatenate([before.pixels, after.pixels], axis=1)
    return replace(before, pixels=joined, alpha=None, exif=None, format="PNG", path=None, jpeg=None)
