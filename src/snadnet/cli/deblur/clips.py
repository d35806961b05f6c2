"""The way of one clip from file to file, and that of several, one after the other."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import partial

from snadnet.batch.naming import Job
from snadnet.batch.options import DeblurOptions
from snadnet.batch.records import ClipRecord, Record, Status, TrackRecord, json_number
from snadnet.batch.work import existing_results, guarded, opencv_threads
from snadnet.cli.shared.progress import show_progress
from snadnet.concurrency import StoppedError, StopSignal
from snadnet.deblurrer import Deblurrer
from snadnet.errors import ConfigError
from snadnet.photo import path_text, printable
from snadnet.video import VideoLimits, VideoResult, deblur_video, require_video_extra


def deblur_clips(
    jobs: Sequence[Job],
    deblurrer: Deblurrer,
    options: DeblurOptions,
    limits: VideoLimits,
    *,
    workers: int,
    stop: StopSignal,
) -> Generator[Record]:
    """Do clips one after the other, ``workers`` frames of each at a time, and yield what became of each.

    A clip that fails is recorded like any other.
    """
    with opencv_threads(workers):
        for job in jobs:
            try:
                stop.check()
                yield guarded(job, partial(_deblur, job, deblurrer, options, limits=limits, workers=workers, stop=stop))
            except StoppedError:
                return


def _deblur(
    job: Job, deblurrer: Deblurrer, options: DeblurOptions, *, limits: VideoLimits, workers: int, stop: StopSignal
) -> Record:
    if (waiting := existing_results(job, job.outputs, options)) is not None:
        return waiting
    name = printable(job.source)
    try:
        require_video_extra()
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from error
    with show_progress(f"Deblurring {job.source.name}", 1.0, as_percentage=True) as progress:

        def show(done: int, total: int) -> None:
            state = f"frame {done} of {total}" if total else f"frame {done}"
            progress.update(min(1.0, done / total) if total else 0.0, state)

        result = deblur_video(
            job.source,
            job.target,
            deblurrer=deblurrer,
            strength=options.strength,
            limits=limits,
            overwrite=options.overwrite,
            strip_metadata=options.strip_metadata,
            workers=workers,
            stop=stop,
            progress=show,
        )
    notes = result.notes
    if result.continued_from:
        notes = (f"gone on with at frame {result.continued_from + 1}", *notes)
    in_brackets = f" ({'; '.join(notes)})" if notes else ""
    record = Record(
        source=path_text(job.source),
        status=Status.NO_FACE,
        message=f"{name}: {result.summary}; nothing written{in_brackets}",
        notes=notes,
        clip=_clip_record(result),
    )
    if result.target is None:
        return record
    message = f"{name}: {result.summary} -> {printable(result.target)}{in_brackets}"
    return replace(record, status=Status.RESTORED, message=message, outputs=(path_text(result.target),))


def _clip_record(result: VideoResult) -> ClipRecord:
    faces = tuple(
        TrackRecord(
            number=face.number,
            start=json_number(face.start),
            end=json_number(face.end),
            frames=face.frames,
            restored=face.restored,
            size=json_number(face.size),
            reason=face.reason,
            flicker_before=None if face.flicker_before is None else json_number(face.flicker_before),
            flicker_after=None if face.flicker_after is None else json_number(face.flicker_after),
        )
        for face in result.faces
    )
    return ClipRecord(result.frames, result.restored_frames, result.damaged, result.continued_from, faces)
