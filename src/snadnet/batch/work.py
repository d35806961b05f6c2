"""The way of one photo from file to file, and that of many photos side by side."""

import errno
import time
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import cv2

from snadnet.batch.naming import Job
from snadnet.batch.records import Record, Status, face_records, skipped_face_records
from snadnet.batch.storage import LOCAL, Storage, refuse_existing
from snadnet.batch.streams import STREAM
from snadnet.concurrency import StoppedError, StopSignal, in_order
from snadnet.deblurrer import Deblurrer, Restoration
from snadnet.environment import available_cores
from snadnet.errors import SnadnetError
from snadnet.faces import AllFaces, FaceChoice, draw_boxes, face_images, kernel_photo, side_by_side
from snadnet.photo import FORMATS, SUFFIXES, Limits, Photo, encode_photo, encoding_notes, path_text, printable

# Each further photo would fail alike.
_DISK_FAILURES: Final = {
    errno.ENOSPC: "a full disk",
    errno.EDQUOT: "a used-up disk quota",
    errno.EROFS: "a read-only disk",
    errno.ESTALE: "a lost file system",
    errno.ENOTCONN: "a lost file system",
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
        begun_before: An earlier attempt at these photos was cut off: files that are there and have the very bytes
            that would be written count as written.
    """

    strength: float = 1.0
    choice: FaceChoice = field(default_factory=AllFaces)
    aligned: bool = False
    limits: Limits = field(default_factory=Limits)
    strip_metadata: bool = False
    overwrite: bool = False
    skip_existing: bool = False
    begun_before: bool = False


def deblur_jobs(
    jobs: Sequence[Job],
    deblurrer: Deblurrer,
    options: DeblurOptions,
    *,
    workers: int,
    stop: StopSignal,
    storage: Storage = LOCAL,
) -> Generator[Record]:
    """Do all jobs in this process, ``workers`` at a time, and yield what became of each, in the order of the jobs.

    A photo that fails is recorded like any other. A disk that takes no more files stops the batch.
    """

    def work(job: Job) -> Record:
        return deblur_photo(job, deblurrer, options, stop, storage)

    with opencv_threads(workers), closing(in_order(work, jobs, workers=workers, stop=stop)) as records:
        yield from records


def deblur_photo(
    job: Job, deblurrer: Deblurrer, options: DeblurOptions, stop: StopSignal, storage: Storage = LOCAL
) -> Record:
    """Do one photo. Its files are written together at the end, the result itself last.

    Returns:
        What became of it; no error but the following is raised.

    Raises:
        StoppedError: If a stop was requested before anything was written.
    """
    start = time.perf_counter()
    try:
        record = _deblur(job, deblurrer, options, stop, storage)
    except StoppedError:
        raise
    except SnadnetError as error:
        record = Record(path_text(job.source), Status.FAILED, str(error))
    except MemoryError:
        advice = "needs more memory than there is; lower --workers or --max-pixels"
        record = Record(path_text(job.source), Status.FAILED, f"{_name(job.source)}: {advice}")
    except Exception as error:  # noqa: BLE001 - one photo, whatever is the matter with it, never stops the others
        what = printable(f"{type(error).__name__}: {error}".partition("\n")[0])
        record = Record(
            path_text(job.source), Status.FAILED, f"{_name(job.source)}: unexpected error ({what}); please report it"
        )
    return replace(record, seconds=time.perf_counter() - start)


def _deblur(job: Job, deblurrer: Deblurrer, options: DeblurOptions, stop: StopSignal, storage: Storage) -> Record:
    # Asked before the work too: restoring takes far longer than looking.
    if not options.begun_before and (waiting := _existing(job, job.outputs, options, storage)) is not None:
        return waiting
    photo = storage.read(job.source, options.limits)
    stop.check()
    if options.aligned:
        result = deblurrer.restore_aligned(photo, strength=options.strength)
    else:
        result = deblurrer.restore(photo, strength=options.strength, choice=options.choice)
    stop.check()
    found = result.summary
    record = Record(
        source=path_text(job.source),
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
    missing = files
    if options.begun_before:
        missing = {path: content for path, content in files.items() if not storage.holds(path, content)}
        if (waiting := _existing(job, missing, options, storage)) is not None:
            return waiting
    _write(missing, storage, overwrite=options.overwrite, stop=stop)
    *others, last = (_name(path, "standard output") for path in job.outputs)
    named = f"{', '.join(others)} and {last}" if others else last
    encoding = encoding_notes(result.photo, _format(job.target, result.photo))
    notes = (*photo.notes, *encoding, *_doubts(result))
    in_brackets = f" ({'; '.join(notes)})" if notes else ""
    return replace(
        record,
        status=Status.RESTORED,
        message=f"{_name(job.source)}: {found} -> {named}{in_brackets}",
        outputs=tuple(map(path_text, files)),
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


def _existing(job: Job, outputs: Collection[Path], options: DeblurOptions, storage: Storage) -> Record | None:
    """The record of a photo whose results are there already, if such are skipped; None if there is work to do."""
    existing = [path for path in outputs if storage.exists(path)]
    if options.skip_existing and existing and all(map(storage.exists, job.outputs)):
        message = f"{_name(job.source)}: skipped, as {printable(job.target)} is there already"
        return Record(path_text(job.source), Status.SKIPPED, message, outputs=tuple(map(path_text, job.outputs)))
    refuse_existing(existing, overwrite=options.overwrite, storage=storage)
    return None


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


def _write(files: dict[Path, bytes], storage: Storage, *, overwrite: bool, stop: StopSignal) -> None:
    """All of the files or none of them, unless one that was there is replaced before another fails."""
    with stop.writing():
        made: list[Path] = []
        try:
            # The result itself is the last: where it is, the others are too.
            for path, content in reversed(files.items()):
                new = path != STREAM and not storage.exists(path)
                storage.write(content, path, overwrite=overwrite)
                if new:
                    made.append(path)
        except BaseException as error:
            for path in made:
                storage.remove(path)
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
