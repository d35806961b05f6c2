"""``snadnet deblur``: photos in, the same photos with their faces deblurred out."""

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path

import typer

from snadnet.batch.inputs import Found, names_one_file
from snadnet.batch.naming import Job, Layout, chosen_layout, plan, refuse_reports
from snadnet.batch.records import Record, Status
from snadnet.batch.storage import LocalStorage, Storage
from snadnet.batch.streams import STREAM
from snadnet.batch.work import DeblurOptions, deblur_jobs
from snadnet.cli.deblur import options as given
from snadnet.cli.deblur.choices import face_choice
from snadnet.cli.deblur.report import Report, exit_code
from snadnet.cli.deblur.streams import check_streams, read_standard_input
from snadnet.cli.shared.options import (
    DEFAULT_MAX_FILE_SIZE,
    DEFAULT_MAX_PIXELS,
    DeviceOption,
    MaxFileSize,
    MaxPixels,
    limits,
)
from snadnet.cli.shared.progress import show_progress
from snadnet.cli.shared.stopping import stop_on_signals
from snadnet.cli.shared.usage import usage_errors
from snadnet.cluster import require_cluster_extra
from snadnet.concurrency import StopSignal, default_workers
from snadnet.deblurrer import MAX_FACES, MIN_FACE, Deblurrer
from snadnet.errors import UsageError
from snadnet.faces import MIN_CONFIDENCE
from snadnet.inference import Backend, Device, load_model
from snadnet.inference.resolve import check_model
from snadnet.photo import is_url, printable


@usage_errors()
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
    engine: given.EngineOption = given.Engine.LOCAL,
    address: given.AddressOption = None,
    json_report: given.JsonOption = None,
    jsonl_report: given.JsonLinesOption = None,
    max_faces: given.MaxFacesOption = MAX_FACES,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    max_file_size: MaxFileSize = DEFAULT_MAX_FILE_SIZE,
) -> None:
    """Deblur the faces in photos.

    The result is an estimate, not evidence: do not identify people by it.

    A photo in which no face could be restored counts as not done, and nothing is written for it.
    Exit code: 0 if all photos are done, 1 if some are not, 2 for a wrong command line, 3 if with --require-face
    nothing but faces was missing, 130 after Ctrl-C.
    """
    photos, (output, save_faces, save_kernels), storage = _places(photos, (output, save_faces, save_kernels), engine)
    _check_engine(photos, output, engine, address=address, workers=workers)
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
    found, jobs = _planned(
        photos, layout, [json_report, jsonl_report], storage, recursive=recursive, overwrite=overwrite
    )
    if photos == [STREAM]:
        storage = LocalStorage(read_standard_input(options.limits.max_file_bytes))
    report = Report(
        total=len(jobs) + len(found.problems) + len(found.unreadable),
        only_errors=output == STREAM,
        json_path=json_report,
        jsonl_path=jsonl_report,
        overwrite=overwrite,
        append=skip_existing,
    )

    def open_deblurrer() -> Deblurrer:
        network = _open(model, weights, device)
        return Deblurrer(network=network, min_confidence=min_confidence, min_face=min_face, max_faces=max_faces)

    def records(stop: StopSignal) -> Generator[Record]:
        deblurrer = open_deblurrer()
        if engine is given.Engine.RAY:
            from snadnet.cluster.engine import deblur_on_ray  # noqa: PLC0415 (needs an extra)

            return deblur_on_ray(jobs, deblurrer, options, storage, workers=workers, address=address, stop=stop)
        used = min(workers or default_workers(), len(jobs))
        return deblur_jobs(jobs, deblurrer, options, workers=used, stop=stop, storage=storage)

    stopped = _run(found, len(jobs), records, report)
    code = stopped or exit_code(report.counts, require_face=require_face)
    if code:
        raise typer.Exit(code)


_Folders = tuple[Path | None, Path | None, Path | None]


def _places(photos: list[Path], folders: _Folders, engine: given.Engine) -> tuple[list[Path], _Folders, Storage]:
    """The photos, and the folders for what is written, as all rules for names take them; and what reads and writes."""
    if engine is given.Engine.LOCAL:
        return photos, folders, LocalStorage()
    require_cluster_extra()
    from snadnet.cluster.filesystems import ArrowStorage, located_together  # noqa: PLC0415 (needs an extra)

    sources, photos = located_together(photos, None, argument="PHOTO")
    named = [folder for folder in folders if folder is not None]
    targets, places = located_together(named, None, argument="--output")
    moved: dict[Path | None, Path] = dict(zip(named, places, strict=True))
    output, faces, kernels = (moved.get(folder) for folder in folders)
    return photos, (output, faces, kernels), ArrowStorage(sources, targets)


def _check_engine(
    photos: Sequence[Path], output: Path | None, engine: given.Engine, *, address: str | None, workers: int | None
) -> None:
    """Refuse what an engine cannot do.

    Raises:
        UsageError: If it is asked for that.
    """
    if engine is given.Engine.LOCAL:
        if address is not None:
            raise UsageError("is the address of a Ray cluster; add --engine ray", argument="--address")
        if output is not None and is_url(output):
            raise UsageError(f"{printable(output)} is a URL; add --engine ray, or name a folder", argument="--output")
        if workers is not None and workers > given.MOST_LOCAL_WORKERS:
            raise UsageError(f"more than {given.MOST_LOCAL_WORKERS} need --engine ray", argument="--workers")
    elif output is None or STREAM in (output, *photos):
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
    results = [folder for folder in (layout.out, layout.faces) if folder is not None]
    found = storage.find(photos, recursive=recursive, leave_out=results)
    jobs, left_out = plan(found.sources, layout, overwrite=overwrite)
    refuse_reports(jobs, [path for path in reports if path is not None])
    for notice in (*found.notices, *left_out):
        print(notice, file=sys.stderr)
    return found, jobs


def _run(found: Found, jobs: int, records: Callable[[StopSignal], Generator[Record]], report: Report) -> int | None:
    """Do all jobs and report them; return the exit code of the signal that stopped them, or None."""
    stop = StopSignal()
    with report, stop_on_signals(stop) as signals:
        for problem in found.problems:
            report.add(Record(str(problem.path), Status.FAILED, problem.message))
        report.add_unreadable(found.unreadable)
        if jobs:
            with (
                closing(records(stop)) as done,
                show_progress("Deblurring", jobs, hidden=jobs == 1) as progress,
            ):
                for record in done:
                    progress.advance()
                    report.add(record)
        report.finish(stopped_by=stop.reason)
    return signals.exit_code


def _open(model: str | None, weights: str | None, device: Device) -> Backend:
    """Open the network of ``--weights``, which must hold ``--model`` if that is given, or the release it names."""
    network = load_model(model if weights is None else weights, device)
    if model is not None and weights is not None:
        check_model(network, model, weights)
    return network
