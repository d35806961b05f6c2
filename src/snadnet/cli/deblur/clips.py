"""The way of one clip from file to file, and that of several, one after the other."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import typer

from snadnet.cli.deblur.batch import DeblurOptions, existing_results, guarded, opencv_threads
from snadnet.cli.deblur.naming import Job
from snadnet.cli.deblur.report import Record, Report, Status, clip_record
from snadnet.cli.shared.progress import show_progress
from snadnet.concurrency import StoppedError, StopSignal
from snadnet.deblurrer import Deblurrer
from snadnet.errors import ConfigError
from snadnet.faces import AllFaces
from snadnet.photo import printable
from snadnet.video import deblur_video, require_video_extra


def check_choice(jobs: Sequence[Job], options: DeblurOptions) -> None:
    """Refuse choices of faces that mean nothing for a clip.

    Raises:
        typer.BadParameter: If there is a clip among the jobs and such a choice.
    """
    clip = next((printable(job.source) for job in jobs if job.clip), None)
    if clip is not None and (options.aligned or not isinstance(options.choice, AllFaces)):
        raise typer.BadParameter(f"chooses in a photo, and {clip} is a clip; leave it out", param_hint="--face")


def run_clips(
    jobs: Sequence[Job], deblurrer: Deblurrer, options: DeblurOptions, *, workers: int, report: Report, stop: StopSignal
) -> None:
    """Do clips one after the other, ``workers`` frames of each at a time, and report each.

    A clip that fails is reported like any other.
    """
    with opencv_threads(workers):
        for job in jobs:
            try:
                stop.check()
                report.add(guarded(job, partial(_deblur, job, deblurrer, options, workers, stop)))
            except StoppedError:
                return


def _deblur(job: Job, deblurrer: Deblurrer, options: DeblurOptions, workers: int, stop: StopSignal) -> Record:
    if (waiting := existing_results(job, options)) is not None:
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
            limits=options.clip_limits,
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
        source=str(job.source),
        status=Status.NO_FACE,
        message=f"{name}: {result.summary}; nothing written{in_brackets}",
        notes=notes,
        clip=clip_record(result),
    )
    if result.target is None:
        return record
    message = f"{name}: {result.summary} -> {printable(result.target)}{in_brackets}"
    return replace(record, status=Status.RESTORED, message=message, outputs=(str(result.target),))
