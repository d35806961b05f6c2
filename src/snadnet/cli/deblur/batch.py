"""The way of one photo from file to file, and that of many photos side by side."""

import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import cv2

from snadnet.cli.deblur.naming import Job
from snadnet.cli.deblur.report import (
    Record,
    Report,
    Status,
    face_records,
    skipped_face_records,
)
from snadnet.cli.deblur.streams import STREAM, write_standard_output
from snadnet.cli.shared.outputs import refuse_existing
from snadnet.cli.shared.progress import show_progress
from snadnet.concurrency import StoppedError, StopSignal, in_order
from snadnet.deblurrer import Deblurrer, Restoration
from snadnet.environment import available_cores
from snadnet.errors import SnadnetError
from snadnet.faces import AllFaces, FaceChoice, draw_boxes, face_images, kernel_photo, side_by_side
from snadnet.photo import (
    FORMATS,
    SUFFIXES,
    Limits,
    Photo,
    encode_photo,
    encoding_notes,
    printable,
    read_photo,
    read_photo_bytes,
    write_bytes,
)
from snadnet.video.limits import VideoLimits

# Each further photo would fail alike.
_DISK_FAILURES: Final = {
    errno.ENOSPC: "a full disk",
    errno.EDQUOT: "a used-up disk quota",
    errno.EROFS: "a read-only disk",
}


@dataclass(frozen=True)
class DeblurOptions:
    """How each photo is deblurred.

    Attributes:
        strength: Part of the restoration that is applied, in [0, 1].
        choice: Which faces are restored.
        aligned: Each photo is itself a face crop, and no faces are looked for.
        limits: What is read at all.
        strip_metadata: Leave out all that a file says besides its pixels.
        overwrite: Replace existing results.
        skip_existing: Leave photos alone whose results are there already.
        standard_input: What was read from there, for the job whose source is `STREAM`.
        clip_limits: What is read of a clip at all.
    """

    strength: float = 1.0
    choice: FaceChoice = field(default_factory=AllFaces)
    aligned: bool = False
    limits: Limits = field(default_factory=Limits)
    strip_metadata: bool = False
    overwrite: bool = False
    skip_existing: bool = False
    standard_input: bytes = b""
    clip_limits: VideoLimits = field(default_factory=VideoLimits)


def run_batch(
    jobs: Sequence[Job], deblurrer: Deblurrer, options: DeblurOptions, *, workers: int, report: Report, stop: StopSignal
) -> None:
    """Does all jobs, ``workers`` at a time, and reports each in the order of the jobs.

    A photo that fails is reported like any other. A disk that takes no more files stops the batch.
    """

    def work(job: Job) -> Record:
        return deblur_photo(job, deblurrer, options, stop)

    with (
        opencv_threads(workers),
        closing(in_order(work, jobs, workers=workers, stop=stop)) as records,
        show_progress("Deblurring", len(jobs), hidden=len(jobs) == 1) as progress,
    ):
        for record in records:
            progress.advance()
            report.add(record)


def deblur_photo(job: Job, deblurrer: Deblurrer, options: DeblurOptions, stop: StopSignal) -> Record:
    """Does one photo. Its files are written together at the end, the result itself last.

    Returns:
        What became of it; no error but the following is raised.

    Raises:
        StoppedError: If a stop was requested before anything was written.
    """
    return guarded(job, lambda: _deblur(job, deblurrer, options, stop))


def guarded(job: Job, work: Callable[[], Record]) -> Record:
    """Do the work of one photo or clip, and turn each error into a record.

    Raises:
        StoppedError: If the work does.
    """
    start = time.perf_counter()
    try:
        record = work()
    except StoppedError:
        raise
    except SnadnetError as error:
        record = Record(str(job.source), Status.FAILED, str(error))
    except MemoryError:
        advice = "needs more memory than there is; lower --workers or --max-pixels"
        record = Record(str(job.source), Status.FAILED, f"{_name(job.source)}: {advice}")
    except Exception as error:  # noqa: BLE001 - one photo, whatever is the matter with it, never stops the others
        what = printable(f"{type(error).__name__}: {error}".partition("\n")[0])
        record = Record(
            str(job.source), Status.FAILED, f"{_name(job.source)}: unexpected error ({what}); please report it"
        )
    return replace(record, seconds=time.perf_counter() - start)


def _deblur(job: Job, deblurrer: Deblurrer, options: DeblurOptions, stop: StopSignal) -> Record:
    # Asked before the work too: restoring takes far longer than looking.
    if (waiting := existing_results(job, options)) is not None:
        return waiting
    photo = _read(job.source, options)
    stop.check()
    if options.aligned:
        result = deblurrer.restore_aligned(photo, strength=options.strength)
    else:
        result = deblurrer.restore(photo, strength=options.strength, choice=options.choice)
    stop.check()
    found = result.summary
    record = Record(
        source=str(job.source),
        status=Status.NO_FACE,
        message=f"{_name(job.source)}: {found}; nothing written",
        faces=face_records(result),
        skipped_faces=skipped_face_records(result),
        notes=photo.notes,
    )
    if not result.faces:
        advice = "" if result.skipped else " (for a photo that is just a face, use --aligned)"
        return replace(record, message=record.message + advice)
    if options.strip_metadata:
        original = result.original.without_metadata()
        result = replace(result, photo=result.photo.without_metadata(), original=original)
    files = _encoded(job, result)
    _write(files, overwrite=options.overwrite, stop=stop)
    *others, last = (_name(path, "standard output") for path in job.outputs)
    named = f"{', '.join(others)} and {last}" if others else last
    encoding = encoding_notes(result.photo, _format(job.target, result.photo))
    notes = (*photo.notes, *encoding, *_doubts(result))
    in_brackets = f" ({'; '.join(notes)})" if notes else ""
    return replace(
        record,
        status=Status.RESTORED,
        message=f"{_name(job.source)}: {found} -> {named}{in_brackets}",
        outputs=tuple(str(path) for path in files),
        notes=notes,
    )


def _doubts(result: Restoration) -> tuple[str, ...]:
    """What to say of faces that explain their blur hardly."""
    numbers = [str(face.number) for face in result.faces if face.blur is not None and face.blur.explains == "hardly"]
    if not numbers:
        return ()
    if len(result.faces) == 1:
        return ("the face hardly explains the blur: take its details as guesses",)
    which = "face" if len(numbers) == 1 else "faces"
    verb = "explains" if len(numbers) == 1 else "explain"
    return (f"{which} {', '.join(numbers)} hardly {verb} the blur: take their details as guesses",)


def existing_results(job: Job, options: DeblurOptions) -> Record | None:
    """Return the record of a job whose results are there already, if such are skipped; None if there is work to do."""
    existing = [path for path in job.outputs if path != STREAM and os.path.lexists(path)]
    if options.skip_existing and len(existing) == len(job.outputs):
        message = f"{_name(job.source)}: skipped, as {printable(job.target)} is there already"
        return Record(str(job.source), Status.SKIPPED, message, outputs=tuple(str(path) for path in existing))
    refuse_existing(existing, overwrite=options.overwrite)
    return None


def _read(source: Path, options: DeblurOptions) -> Photo:
    if source == STREAM:
        return read_photo_bytes(options.standard_input, name=_name(source), limits=options.limits)
    return read_photo(source, limits=options.limits)


def _encoded(job: Job, result: Restoration) -> dict[Path, bytes]:
    """All files of a photo, the result itself first."""
    images = {job.target: result.photo}
    if job.comparison is not None:
        images[job.comparison] = side_by_side(result)
    if job.boxes is not None:
        images[job.boxes] = draw_boxes(result)
    if job.faces is not None:
        for number, before_and_after in enumerate(face_images(result), start=1):
            images |= zip(job.face_outputs(number), before_and_after, strict=True)
    if job.kernels is not None:
        images |= {
            job.kernel_output(number): kernel_photo(face.blur)
            for number, face in enumerate(result.faces, start=1)
            if face.blur is not None
        }
    return {
        path: encode_photo(image, _format(path, image), name=_name(path, "standard output"))
        for path, image in images.items()
    }


def _format(path: Path, photo: Photo) -> str:
    if path == STREAM:
        # What is read but not written, such as HEIC, becomes PNG, which holds any photo.
        return photo.format if photo.format in FORMATS else "PNG"
    return SUFFIXES[path.suffix.lower()]


def _write(files: dict[Path, bytes], *, overwrite: bool, stop: StopSignal) -> None:
    """All of the files or none of them, unless one that was there is replaced before another fails."""
    with stop.writing():
        made: list[Path] = []
        try:
            # The result itself is the last: where it is, the others are too.
            for path, content in reversed(files.items()):
                if path == STREAM:
                    write_standard_output(content)
                    continue
                new = not os.path.lexists(path)
                write_bytes(content, path, overwrite=overwrite)
                if new:
                    made.append(path)
        except BaseException as error:
            for path in made:
                with suppress(OSError):
                    path.unlink()
            cause = error.__cause__
            if isinstance(cause, OSError) and cause.errno in _DISK_FAILURES:
                # Photos that meet the same side by side say nothing: one line tells it.
                stop.check()
                stop.request(_DISK_FAILURES[cause.errno])
            raise


def _name(path: Path, stream: str = "standard input") -> str:
    return stream if path == STREAM else printable(path)


@contextmanager
def opencv_threads(workers: int) -> Iterator[None]:
    """Leave OpenCV's own threads, which the whole process shares, what the workers leave of the cores."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(max(1, available_cores() // workers))
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
