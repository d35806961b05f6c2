"""Photos on Ray Data: rows of jobs go to workers, rows of records come back, and what is lost is done again."""

import math
import pickle
import warnings
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from snadnet.batch.naming import Job
from snadnet.batch.options import DeblurOptions
from snadnet.batch.records import Record, Status
from snadnet.batch.storage import Storage
from snadnet.cluster.session import ray_session
from snadnet.concurrency import StopSignal
from snadnet.deblurrer import Deblurrer
from snadnet.errors import SnadnetError
from snadnet.photo import is_url, path_text, printable

_LARGEST_BLOCK: Final = 20
"""Most photos that a worker takes at one time; their records come back together."""

_BLOCKS_EACH: Final = 10
"""Blocks for each worker, at least, so that all of them end at about the same time."""


@dataclass(frozen=True)
class _Attempt:
    """How photos are sent out.

    Attributes:
        block: Photos that a worker takes at one time; None for as many as suit their number.
        apart: Whether each photo has workers of its own, one after another.
    """

    block: int | None
    apart: bool = False


_ATTEMPTS: Final = (_Attempt(None), _Attempt(1), _Attempt(1, apart=True))
"""Where a worker dies, its photos are done again one by one, and in the end with nothing beside them."""


def deblur_on_ray(
    jobs: Sequence[Job],
    deblurrer: Deblurrer,
    options: DeblurOptions,
    storage: Storage,
    *,
    stop: StopSignal,
    workers: int | None = None,
    cpus: float = 1.0,
    address: str | None = None,
) -> Generator[Record]:
    """Do all jobs on a Ray cluster, and yield what became of each, in their order, but for those that are tried again.

    Photos whose worker died are tried again: one by one, then alone. A photo whose worker died each time is recorded
    as failed. A worker's disk that takes no more files stops the batch.

    Args:
        jobs: From `snadnet.batch.naming.plan`.
        deblurrer: It is pickled; each worker opens its network.
        options: How each photo is deblurred.
        storage: Where photos are read and results written; all workers must reach the same.
        stop: Once a stop is requested, nothing more is waited for; what the workers have in hand may be lost.
        workers: How many workers there are; if None, as many as the cluster has processors for.
        cpus: Processors that Ray sets aside for each worker.
        address: As for `snadnet.cluster.session.ray_session`.

    Raises:
        ConfigError: If there is no cluster.
        SnadnetError: If no worker can open the network.
    """
    with ray_session(address) as ray:
        processors = ray.cluster_resources().get("CPU", 1.0)
        count = workers or max(1, int(processors / cpus))
        # More workers than there are processors share them, rather than wait for others without end.
        share = min(cpus, processors / count)
        payload = ray.cloudpickle.dumps(deblurrer)
        left = dict(enumerate(jobs))
        places = (path for job in jobs for path in (job.source, *job.outputs, *job.beginnings))
        folder = str(Path.cwd()) if any(not path.is_absolute() and not is_url(path) for path in places) else None
        for number, attempt in enumerate(_ATTEMPTS):
            arguments = (payload, replace(options, begun_before=number > 0), storage, max(1, int(cpus)), folder)
            parts = [{place: job} for place, job in left.items()] if attempt.apart else [dict(left)]
            for part in parts:
                used = min(count, max(1, len(part)))
                dispatch = _Dispatch(ray, attempt.block, arguments, workers=used, cpus=share, stop=stop)
                for place, record in _all_rows(part, dispatch):
                    del left[place]
                    yield record
        if stop.reason is None:
            yield from map(_lost, left.values())


@dataclass(frozen=True)
class _Dispatch:
    """How jobs are sent to workers.

    Attributes:
        ray: The module.
        block: Photos that a worker takes at one time; None for as many as suit their number.
        arguments: Of the workers.
        workers: How many workers there are.
        cpus: Processors that Ray sets aside for each.
        stop: Once a stop is requested, nothing more is waited for.
    """

    ray: Any
    block: int | None
    arguments: tuple[Any, ...]
    workers: int
    cpus: float
    stop: StopSignal


def _all_rows(jobs: dict[int, Job], dispatch: _Dispatch) -> Generator[tuple[int, Record]]:
    """Send jobs out; if the whole run is cut off, send the rest again, as long as that gets on."""
    while jobs and dispatch.stop.reason is None:
        before = len(jobs)
        try:
            for place, record in _rows(jobs, dispatch):
                del jobs[place]
                yield place, record
            return
        except dispatch.ray.exceptions.RayError:
            if len(jobs) == before:
                return


def _rows(jobs: dict[int, Job], dispatch: _Dispatch) -> Generator[tuple[int, Record]]:
    """Send jobs out once, and yield what comes back: the number of a job, and its record."""
    from snadnet.cluster.worker import FATAL, JOB, NUMBER, RECORD, STOPPED, Worker  # noqa: PLC0415 (imports Ray)

    ray, block, stop = dispatch.ray, dispatch.block, dispatch.stop
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = True  # so that what was done before a stop is reported before it
    context.max_errored_blocks = -1  # what is lost with a worker is no reason to stop
    size = block or max(1, min(_LARGEST_BLOCK, len(jobs) // (dispatch.workers * _BLOCKS_EACH)))
    rows = [{NUMBER: number, JOB: pickle.dumps(job)} for number, job in jobs.items()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # these words have no others yet
        dataset = ray.data.from_items(rows, override_num_blocks=math.ceil(len(rows) / size)).map(
            Worker,
            fn_constructor_args=dispatch.arguments,
            # What waits for a worker dies with it: nothing does where each photo counts by itself.
            compute=ray.data.ActorPoolStrategy(size=dispatch.workers, max_tasks_in_flight_per_actor=1 if block else 2),
            num_cpus=dispatch.cpus,
            # A dead worker is replaced; its photos are not sent again without end: one of them may have killed it.
            max_restarts=-1,
            max_task_retries=0,
            # So that a worker reports what it did before a stop, rather than first what it did not begin.
            allow_out_of_order_execution=False,
        )
    for row in dataset.iter_rows():
        if row[FATAL]:
            raise SnadnetError(row[FATAL])
        if row[RECORD]:
            yield row[NUMBER], pickle.loads(row[RECORD])
        if row[STOPPED]:
            stop.request(row[STOPPED])
        if stop.reason is not None:
            return


def _lost(job: Job) -> Record:
    line = "the process that worked on it died each time, for lack of memory most likely; lower --max-pixels"
    return Record(path_text(job.source), Status.FAILED, f"{printable(job.source)}: {line}, or do it by itself")
