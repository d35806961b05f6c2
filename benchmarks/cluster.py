"""Photos on Ray's workers against the same command without: photos per second, start-up apart, bytes, and memory.

All run the real command, ``snadnet deblur``, on a folder of photos that are made for it (as batch_speed.py makes them).

Example: ``python benchmarks/cluster.py --photos 1000 --memory-photos 10000 --planned-photos 100000``
"""

import hashlib
import math
import pickle
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from batch_speed import lines, make_photos, started
from snadnet.batch.inputs import find_photos
from snadnet.batch.naming import Layout, plan
from snadnet.environment import resident_memory, run_header
from snadnet.errors import SnadnetError

_POLL = 0.5  # seconds
_CORES = 64  # of a machine: an assumption


@dataclass(frozen=True)
class Way:
    """A way to do the photos.

    Attributes:
        name: What the table calls it.
        options: What is added to the command.
    """

    name: str
    options: tuple[str, ...]


@dataclass
class Memory:
    """The most that processes have held, in MB: the command itself, its largest worker, and all of them together."""

    command: float = 0
    worker: float = 0
    total: float = 0


def main(
    *,
    photos: Annotated[int, typer.Option(min=0, help="Photos for the speed; 0 for none.")] = 1000,
    width: Annotated[int, typer.Option(min=256, help="Width of these photos; the height is 3/4 of it.")] = 1600,
    workers: Annotated[int, typer.Option(min=1, help="Workers of Ray, and photos at a time without.")] = 2,
    memory_photos: Annotated[int, typer.Option(min=0, help="Small photos for the memory curve; 0 for none.")] = 10_000,
    memory_width: Annotated[int, typer.Option(min=256, help="Width of these.")] = 320,
    planned_photos: Annotated[int, typer.Option(min=0, help="Files that are only found and planned; 0 for none.")] = 0,
    every: Annotated[int, typer.Option(min=1, help="Photos between two points of the curve.")] = 500,
) -> None:
    """Print the tables, and what the measured cost means for many photos."""
    print(run_header(["snadnet", "ray", "pyarrow", "onnxruntime", "opencv-python-headless", "pillow", "numpy"]))
    if planned_photos:
        print(_planning(planned_photos))
    ray = Way(f"Ray, {workers} workers", ("--workers", str(workers), "--engine", "ray"))
    with tempfile.TemporaryDirectory() as folder:
        if photos:
            _compare(
                [Way("1 at a time", ("--workers", "1")), Way(f"{workers} at a time", ray.options[:2]), ray],
                Path(folder),
                photos,
                width,
                workers,
            )
        if memory_photos:
            small = Path(folder) / "small"
            make_photos(small, memory_photos, memory_width)
            print(f"\n{memory_photos} photos {memory_width} px wide, {ray.name}\n")
            print("photos  command MB  largest worker MB  all MB")
            with started([small, "-o", Path(folder) / "memory", *ray.options]) as process:
                for done in lines(process, memory_photos):
                    if done == 1 or done % every == 0:
                        now = _memory(process.pid)
                        print(f"{done:6d}  {now.command:10.0f}  {now.worker:17.0f}  {now.total:6.0f}", flush=True)


def _compare(ways: Sequence[Way], folder: Path, photos: int, width: int, workers: int) -> None:
    make_photos(folder / "in", photos, width)
    print(f"\n{photos} photos of {width} x {width * 3 // 4} px, one face each; MB: command, largest worker, all\n")
    print(f"{'':18}  photos/s  start-up s  end s  total s  MB                  results")
    rate = 0.0
    for number, way in enumerate(ways):
        rate, line = _speed(way, folder / "in", folder / f"out{number}", photos)
        print(line, flush=True)
    cost = workers / rate
    print(f"\n{cost:.2f} core-seconds a photo by {ways[-1].name}; machines of {_CORES} such cores:\n")
    print("photos  core-hours  machines, a day  machines, a week  photos/s in a day")
    for count in (10**6, 10**8):
        hours = count * cost / 3600
        day, week = (math.ceil(hours / _CORES / time_given) for time_given in (24, 168))
        print(f"{count:6.0e}  {hours:10,.0f}  {day:15,d}  {week:16,d}  {count / 86_400:17,.0f}")


def _planning(photos: int) -> str:
    """What the command itself does for each photo before any work, which no further worker makes faster."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(photos):
            place = Path(folder) / "in" / f"{number // 1000:04d}" / f"IMG_{number:08d}.jpg"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        before, start = resident_memory() or 0, time.perf_counter()
        found = find_photos([Path(folder) / "in"], recursive=True)
        jobs, _ = plan(found.sources, Layout(out=Path(folder) / "out"))
        seconds, memory = time.perf_counter() - start, (resident_memory() or 0) - before
        sent = sum(len(pickle.dumps(job)) for job in jobs[:1000]) / min(1000, len(jobs))
    each = f"{1e6 * seconds / photos:.0f} us and {memory / photos:.0f} B a photo"
    return f"\n{photos} files found and planned: {each}; {sent:.0f} B are sent to a worker for each"


def _speed(way: Way, source: Path, out: Path, photos: int) -> tuple[float, str]:
    """Photos per second, and a line of the table. Photos per second: from the first photo's line to the last one's."""
    start = first = last = polled = time.perf_counter()
    peak = Memory()
    with started([source, "-o", out, *way.options]) as process:
        for done in lines(process, photos):
            last = time.perf_counter()
            first = last if done == 1 else first
            if last - polled > _POLL:
                polled, now = last, _memory(process.pid)
                peak = Memory(max(peak.command, now.command), max(peak.worker, now.worker), max(peak.total, now.total))
    end = time.perf_counter()
    digest = hashlib.sha256()
    for path in sorted(out.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    rate = (photos - 1) / (last - first)
    times = f"{rate:8.3f}  {first - start:10.1f}  {end - last:5.1f}  {end - start:7.1f}"
    memory = f"{peak.command:5.0f} {peak.worker:6.0f} {peak.total:6.0f}"
    return rate, f"{way.name:18}  {times}  {memory}  sha256 {digest.hexdigest()[:16]}"


def _memory(command: int) -> Memory:
    """Return what a command and all that it has started hold now."""
    own = (resident_memory(command) or 0) / 1e6
    below = [(_name(process), (resident_memory(process) or 0) / 1e6) for process in _below(command)]
    workers = [megabytes for name, megabytes in below if name.startswith("ray::MapWorker")]
    return Memory(own, max(workers, default=0), own + sum(megabytes for _, megabytes in below))


def _below(process: int) -> list[int]:
    children = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children += [int(child) for child in task.read_text().split()]
        except OSError:  # it has just ended
            continue
    return [*children, *(grandchild for child in children for grandchild in _below(child))]


def _name(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
