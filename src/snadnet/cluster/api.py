"""The Python function: photos and folders in, records out, results in a folder."""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from snadnet.batch.naming import Job, chosen_layout, plan
from snadnet.batch.records import Record, Status, unreadable_record
from snadnet.batch.work import DeblurOptions
from snadnet.cluster.extra import require_cluster_extra
from snadnet.concurrency import StopSignal
from snadnet.deblurrer import Deblurrer
from snadnet.photo import path_text

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

_OPTIONS = DeblurOptions()


def deblur_photos(
    photos: Sequence[str | Path],
    output: str | Path,
    *,
    deblurrer: Deblurrer | None = None,
    options: DeblurOptions = _OPTIONS,
    recursive: bool = False,
    name: str | None = None,
    compare: bool = False,
    workers: int | None = None,
    cpus: float = 1.0,
    address: str | None = None,
    filesystem: "FileSystem | None" = None,
    output_filesystem: "FileSystem | None" = None,
    stop: StopSignal | None = None,
) -> Generator[Record]:
    """Deblur photos on a Ray cluster: the files that ``snadnet deblur`` writes, by its rules, byte for byte.

    Results are written by the workers, so that all machines must reach photos and results by the same paths.

    Args:
        photos: Files, folders, patterns of local files; or files and folders of one file system, as URLs such as
            ``s3://bucket/photos``.
        output: The folder for the results, made if need be.
        deblurrer: It goes to the workers pickled. A weights file of your own must be there on each machine.
        options: How each photo is deblurred, and what becomes of existing results.
        recursive: Take the subfolders of folders too, and keep the tree.
        name: The names of the results, as ``--name`` takes them.
        compare: Also write NAME_compare.png.
        workers: Photos that are worked on at a time; None for one for each processor of the cluster.
        cpus: Processors that Ray sets aside for each worker.
        address: A cluster's: "auto" or "host:port". If None, Ray is started on this machine, unless this process has
            joined one.
        filesystem: The file system of ``photos``, if they are no URLs: any of ``pyarrow.fs``.
        output_filesystem: The file system of ``output``, likewise.
        stop: Once it is requested, the generator ends.

    Yields:
        A record for each photo; of what cannot be done at all, first. `Record.as_json` is its line in a
        report.

    Raises:
        ConfigError: If the packages of ``snadnet[cluster]`` are missing, or there is no cluster or file system.
        UsageError: If two photos would have one result, or the results cannot be placed.
    """
    require_cluster_extra()
    from snadnet.cluster.engine import deblur_on_ray  # noqa: PLC0415 (needs the extra)
    from snadnet.cluster.filesystems import ArrowStorage, located, located_together  # noqa: PLC0415

    sources, places = located_together(photos, filesystem, argument="photos")
    targets, folder = located(output, output_filesystem)
    storage = ArrowStorage(sources, targets)
    layout = chosen_layout(places, folder, name, compare=compare, boxes=False, faces=None, kernels=None)
    found = storage.find(places, recursive=recursive, leave_out=[folder])
    jobs: list[Job] = plan(found.sources, layout, overwrite=options.overwrite)[0]
    for problem in found.problems:
        yield Record(path_text(problem.path), Status.FAILED, problem.message)
    yield from map(unreadable_record, found.unreadable)
    if jobs:
        yield from deblur_on_ray(
            jobs,
            deblurrer or Deblurrer(),
            options,
            storage,
            stop=stop or StopSignal(),
            workers=workers,
            cpus=cpus,
            address=address,
        )
