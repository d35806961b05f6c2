"""``snadnet deblur``: photos and clips in, the same with their faces deblurred out."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import typer

from snadnet.cli.deblur import options as given
from snadnet.cli.deblur.batch import DeblurOptions, run_batch
from snadnet.cli.deblur.choices import face_choice
from snadnet.cli.deblur.clips import check_choice, run_clips
from snadnet.cli.deblur.inputs import Found, find_photos, names_one_file
from snadnet.cli.deblur.naming import Job, Layout, chosen_layout, plan, refuse_reports
from snadnet.cli.deblur.report import Record, Report, Status, exit_code
from snadnet.cli.deblur.streams import STREAM, check_streams, read_standard_input
from snadnet.cli.shared.options import (
    DEFAULT_MAX_FILE_SIZE,
    DEFAULT_MAX_PIXELS,
    DeviceOption,
    MaxFileSize,
    MaxPixels,
    limits,
)
from snadnet.cli.shared.stopping import stop_on_signals
from snadnet.concurrency import StopSignal, default_workers
from snadnet.deblurrer import MAX_FACES, MIN_FACE, Deblurrer
from snadnet.faces import MIN_CONFIDENCE
from snadnet.inference import Backend, Device, load_model
from snadnet.inference.resolve import check_model
from snadnet.video.limits import MAX_FRAMES, VideoLimits


def deblur(
    photos: given.PhotosArgument,
    *,
    output: given.OutputOption = None,
    recursive: given.RecursiveOption = False,
    strength: given.StrengthOption = 1.0,
    weights: given.WeightsOption = None,
    model: given.ModelOption = None,
    device: DeviceOption = "auto",
    face: given.FaceOption = None,
    box: given.BoxOption = None,
    aligned: given.AlignedOption = False,
    min_face: given.MinFaceOption = MIN_FACE,
    min_confidence: given.MinConfidenceOption = MIN_CONFIDENCE,
    require_face: given.RequireFaceOption = False,
    name: given.NameOption = None,
    overwrite: given.OverwriteOption = False,
    strip_metadata: given.StripMetadataOption = False,
    compare: given.CompareOption = False,
    draw_boxes: given.DrawBoxesOption = False,
    save_faces: given.SaveFacesOption = None,
    save_kernels: given.SaveKernelsOption = None,
    skip_existing: given.SkipExistingOption = False,
    workers: given.WorkersOption = None,
    json_report: given.JsonOption = None,
    jsonl_report: given.JsonLinesOption = None,
    max_faces: given.MaxFacesOption = MAX_FACES,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    max_file_size: MaxFileSize = DEFAULT_MAX_FILE_SIZE,
    max_clip_size: given.MaxClipSizeOption = given.DEFAULT_MAX_CLIP_SIZE,
    max_frames: given.MaxFramesOption = MAX_FRAMES,
) -> None:
    """Deblur the faces in photos and clips.

    The result is an estimate, not evidence: do not identify people by it.

    A photo or clip in which no face could be restored counts as not done, and nothing is written for it.
    Exit code: 0 if all photos are done, 1 if some are not, 2 for a wrong command line, 3 if with --require-face
    nothing but faces was missing, 130 after Ctrl-C.
    """
    layout = chosen_layout(
        photos, output, name, compare=compare, boxes=draw_boxes, faces=save_faces, kernels=save_kernels
    )
    options = DeblurOptions(
        strength=strength,
        choice=face_choice(face, box, aligned=aligned),
        aligned=aligned,
        limits=limits(max_pixels, max_file_size),
        strip_metadata=strip_metadata,
        overwrite=overwrite,
        skip_existing=skip_existing,
        clip_limits=VideoLimits(round(max_clip_size * 1e6), round(max_pixels * 1e6), max_frames),
    )
    found, jobs = _planned(photos, layout, [json_report, jsonl_report], recursive=recursive, overwrite=overwrite)
    check_choice(jobs, options)
    if photos == [STREAM]:
        options = replace(options, standard_input=read_standard_input(options.limits.max_file_bytes))
    report = Report(
        total=len(jobs) + len(found.problems) + len(found.unreadable),
        clips=len(found.clips),
        only_errors=output == STREAM,
        json_path=json_report,
        jsonl_path=jsonl_report,
        overwrite=overwrite,
        append=skip_existing,
    )

    def open_deblurrer() -> Deblurrer:
        network = _open(model, weights, device)
        return Deblurrer(network=network, min_confidence=min_confidence, min_face=min_face, max_faces=max_faces)

    stopped = _run(found, jobs, open_deblurrer, options, workers=workers or default_workers(), report=report)
    code = stopped or exit_code(report.counts, require_face=require_face)
    if code:
        raise typer.Exit(code)


def _planned(
    photos: Sequence[Path],
    layout: Layout,
    reports: Sequence[Path | None],
    *,
    recursive: bool,
    overwrite: bool,
) -> tuple[Found, list[Job]]:
    """Find the photos and settle where each result goes, with all that can be refused before any work."""
    check_streams(
        photos,
        layout.out,
        one_file=names_one_file(photos),
        out_is_file=layout.out_is_file,
        beside=layout.compare or layout.boxes,
    )
    results = [folder for folder in (layout.out, layout.faces) if folder is not None]
    found = find_photos(photos, recursive=recursive, leave_out=results)
    jobs, left_out = plan(found.sources, layout, overwrite=overwrite)
    refuse_reports(jobs, [path for path in reports if path is not None])
    for notice in (*found.notices, *left_out):
        print(notice, file=sys.stderr)
    return found, jobs


def _run(
    found: Found,
    jobs: Sequence[Job],
    open_deblurrer: Callable[[], Deblurrer],
    options: DeblurOptions,
    *,
    workers: int,
    report: Report,
) -> int | None:
    """Do all jobs and report them; return the exit code of the signal that stopped them, or None."""
    stop = StopSignal()
    with report, stop_on_signals(stop) as signals:
        for problem in found.problems:
            report.add(Record(str(problem.path), Status.FAILED, problem.message))
        report.add_unreadable(found.unreadable)
        if jobs:
            deblurrer = open_deblurrer()
            stills = [job for job in jobs if not job.clip]
            used = min(workers, max(1, len(stills)))
            run_batch(stills, deblurrer, options, workers=used, report=report, stop=stop)
            run_clips([job for job in jobs if job.clip], deblurrer, options, workers=workers, report=report, stop=stop)
        report.finish(stopped_by=stop.reason)
    return signals.exit_code


def _open(model: str | None, weights: str | None, device: Device) -> Backend:
    """Open the network of ``--weights``, which must hold ``--model`` if that is given, or the release it names."""
    network = load_model(model if weights is None else weights, device)
    if model is not None and weights is not None:
        check_model(network, model, weights)
    return network
