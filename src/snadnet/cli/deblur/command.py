"""``snadnet deblur``: photos and clips in, the same with their faces deblurred out."""

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path

import typer

from snadnet.batch.inputs import Found, names_one_file
from snadnet.batch.naming import Job, Layout, chosen_layout, plan, refuse_reports
from snadnet.batch.options import DeblurOptions
from snadnet.batch.records import Record, Status
from snadnet.batch.storage import LocalStorage, Storage
from snadnet.batch.streams import STREAM
from snadnet.cli.deblur import options as given
from snadnet.cli.deblur.choices import check_choice, face_choice
from snadnet.cli.deblur.report import Report, exit_code
from snadnet.cli.deblur.streams import check_streams, read_standard_input
from snadnet.cli.shared.loading import loading
from snadnet.cli.shared.options import (
    DEFAULT_MAX_FILE_SIZE,
    DEFAULT_MAX_PIXELS,
    EffortOption,
    GraphDeviceOption,
    LightOption,
    MaxCropOption,
    MaxFileSize,
    MaxPixels,
    limits,
)
from snadnet.cli.shared.progress import show_progress
from snadnet.cli.shared.stopping import stop_on_signals
from snadnet.cli.shared.usage import usage_errors
from snadnet.cluster import require_cluster_extra
from snadnet.concurrency import StopSignal, default_workers
from snadnet.environment import reuse_freed_memory
from snadnet.errors import UsageError
from snadnet.faces import LARGE_CROP_SIZE, MAX_FACES, MIN_CONFIDENCE, MIN_FACE
from snadnet.faces.defaults import Light
from snadnet.photo import is_url, printable
from snadnet.video.limits import MAX_FRAMES, VideoLimits

_Outputs = tuple[Path | None, Path | None, Path | None]
"""The places of ``--output``, ``--save-faces`` and ``--save-kernels``."""


@usage_errors()
def deblur(
    photos: given.PhotosArgument,
    *,
    output: given.OutputOption = None,
    recursive: given.RecursiveOption = False,
    strength: given.StrengthOption = 1.0,
    weights: given.WeightsOption = None,
    model: given.ModelOption = None,
    device: GraphDeviceOption = "auto",
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
    engine: given.EngineOption = given.Engine.LOCAL,
    address: given.AddressOption = None,
    json_report: given.JsonOption = None,
    jsonl_report: given.JsonLinesOption = None,
    effort: EffortOption = 1,
    light: LightOption = Light.AUTO,
    max_faces: given.MaxFacesOption = MAX_FACES,
    max_crop: MaxCropOption = LARGE_CROP_SIZE,
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
    photos, outputs, storage = _located(photos, (output, save_faces, save_kernels), engine)
    _check_engine(photos, outputs, engine, address=address, workers=workers)
    output, save_faces, save_kernels = outputs
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
    )
    clip_limits = VideoLimits(round(max_clip_size * 1e6), round(max_pixels * 1e6), max_frames)
    threads = workers or default_workers()
    found, jobs = _planned(
        photos, layout, [json_report, jsonl_report], storage, recursive=recursive, overwrite=overwrite
    )
    check_choice(jobs, options)
    if photos == [STREAM]:
        storage = LocalStorage(read_standard_input(options.limits.max_file_bytes))
    report = Report(
        total=len(jobs) + len(found.problems) + len(found.unreadable),
        clips=len(found.clips),
        only_errors=output == STREAM,
        json_path=json_report,
        jsonl_path=jsonl_report,
        overwrite=overwrite,
        append=skip_existing,
    )

    def records(stop: StopSignal) -> Generator[Record]:
        if not jobs:
            return
        with loading():  # nothing heavy before it is needed
            from snadnet.batch.work import deblur_jobs  # noqa: PLC0415
            from snadnet.deblurrer import Deblurrer  # noqa: PLC0415
            from snadnet.inference.resolve import check_model  # noqa: PLC0415

        reuse_freed_memory()
        deblurrer = Deblurrer(
            weights=model if weights is None else weights,
            device=device,
            min_confidence=min_confidence,
            min_face=min_face,
            max_faces=max_faces,
            max_crop=max_crop,
            effort=effort,
            light=light,
        )
        if model is not None and weights is not None:
            check_model(deblurrer.network, model, weights)
        stills = [job for job in jobs if not job.clip]
        if engine is given.Engine.RAY:
            from snadnet.cluster.engine import deblur_on_ray  # noqa: PLC0415 (needs an extra)

            done = deblur_on_ray(stills, deblurrer, options, storage, workers=workers, address=address, stop=stop)
        else:
            used = min(threads, max(1, len(stills)))
            done = deblur_jobs(stills, deblurrer, options, workers=used, stop=stop, storage=storage)
        with closing(done), show_progress("Deblurring", len(stills), hidden=len(stills) <= 1) as progress:
            for record in done:
                progress.advance()
                yield record
        clips = [job for job in jobs if job.clip]
        if clips:
            from snadnet.cli.deblur.clips import deblur_clips  # noqa: PLC0415

            yield from deblur_clips(clips, deblurrer, options, clip_limits, workers=threads, stop=stop)

    stopped = _run(found, records, report)
    code = stopped or exit_code(report.counts, require_face=require_face)
    if code:
        raise typer.Exit(code)


def _located(photos: list[Path], outputs: _Outputs, engine: given.Engine) -> tuple[list[Path], _Outputs, Storage]:
    """The photos and outputs that were given, as all rules for names take them, and what reads and writes there."""
    if engine is given.Engine.LOCAL:
        return photos, outputs, LocalStorage()
    require_cluster_extra()
    from snadnet.cluster.filesystems import ArrowStorage, located_together  # noqa: PLC0415 (needs an extra)

    folders = [folder for folder in outputs if folder is not None]
    sources, photos = located_together(photos, None, argument="PHOTO")
    targets, places = located_together(folders, None, argument="--output")
    output, faces, kernels = outputs
    moved = dict(zip(folders, places, strict=True))
    located = output and moved[output], faces and moved[faces], kernels and moved[kernels]
    return photos, located, ArrowStorage(sources, targets)


def _check_engine(
    photos: Sequence[Path], outputs: _Outputs, engine: given.Engine, *, address: str | None, workers: int | None
) -> None:
    """Refuse what an engine cannot do.

    Raises:
        UsageError: If it is asked for that.
    """
    if engine is given.Engine.LOCAL:
        if address is not None:
            raise UsageError("is the address of a Ray cluster; add --engine ray", argument="--address")
        for option, place in zip(("--output", "--save-faces", "--save-kernels"), outputs, strict=True):
            if place is not None and is_url(place):
                raise UsageError(f"{printable(place)} is a URL; add --engine ray, or name a folder", argument=option)
        if workers is not None and workers > given.MOST_LOCAL_WORKERS:
            raise UsageError(f"more than {given.MOST_LOCAL_WORKERS} need --engine ray", argument="--workers")
    elif outputs[0] is None or STREAM in (outputs[0], *photos):
        raise UsageError("a cluster writes files into a folder; name one, such as -o out", argument="--output")


def _planned(
    photos: Sequence[Path],
    layout: Layout,
    reports: Sequence[Path | None],
    storage: Storage,
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
    results = [folder for folder in (layout.out, layout.faces, layout.kernels) if folder is not None]
    found = storage.find(photos, recursive=recursive, leave_out=results)
    jobs, left_out = plan(found.sources, layout, overwrite=overwrite)
    refuse_reports(jobs, [path for path in reports if path is not None])
    for notice in (*found.notices, *left_out):
        print(notice, file=sys.stderr)
    return found, jobs


def _run(found: Found, records: Callable[[StopSignal], Generator[Record]], report: Report) -> int | None:
    """Report what cannot be done, then the records; return the exit code of the signal that stopped them, or None."""
    stop = StopSignal()
    with report, stop_on_signals(stop) as signals:
        for problem in found.problems:
            report.add(Record(str(problem.path), Status.FAILED, problem.message))
        report.add_unreadable(found.unreadable)
        with closing(records(stop)) as done:
            for record in done:
                report.add(record)
        report.finish(stopped_by=stop.reason)
    return signals.exit_code
