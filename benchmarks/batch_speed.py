"""Cost of a batch: photos per second at several numbers of workers, and memory over a long run.

Both run the real command, ``snadnet deblur``, on a folder of photos that are made for it: scikit-image's astronaut
(one face), each shifted otherwise.

Example: ``python benchmarks/batch_speed.py --photos 200 --memory-photos 1000``
"""

import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import skimage.data
import typer
from PIL import Image

from snadnet.environment import peak_memory, resident_memory, run_header
from snadnet.errors import SnadnetError
from snadnet.inference import resolve_weights


@dataclass(frozen=True)
class Memory:
    """Memory of a process in MB: what it holds, and the most that it held."""

    resident: float
    peak: float


def main(
    *,
    photos: Annotated[int, typer.Option(min=2, help="Photos in the folder for the speed.")] = 200,
    workers: Annotated[list[int], typer.Option(help="Numbers of workers to measure; give it several times.")] = [1, 2],  # noqa: B006
    memory_photos: Annotated[int, typer.Option(min=0, help="Photos for the memory curve; 0 for none.")] = 1000,
    memory_workers: Annotated[int, typer.Option(min=1, help="Workers for the memory curve.")] = 2,
    every: Annotated[int, typer.Option(min=1, help="Photos between two points of the curve.")] = 50,
    width: Annotated[int, typer.Option(min=256, help="Width of the photos; the height is 3/4 of it.")] = 1600,
    weights: Annotated[Path | None, typer.Option(help="An ONNX file; else the released one.")] = None,
) -> None:
    """Print both tables."""
    network = resolve_weights(weights)
    print(run_header(["snadnet", "onnxruntime", "opencv-python-headless", "pillow", "numpy"]))
    print(f"weights: {network} ({network.stat().st_size / 1e6:.2f} MB)")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in"
        make_photos(source, max(photos, memory_photos), width)
        print(f"photos: JPEG of {width} x {width * 3 // 4} px, one face each")
        few = Path(folder) / "few"
        few.mkdir()
        for path in sorted(source.iterdir())[:photos]:
            (few / path.name).hardlink_to(path)
        print(f"\n{photos} photos\n\nworkers  photos/s  with loading  peak MB  results")
        for count in workers:
            print(_speed(few, Path(folder) / f"out{count}", network, count, photos), flush=True)
        if memory_photos:
            print(f"\n{memory_photos} photos, {memory_workers} workers\n\nphotos  resident MB  peak MB")
            command = started(_arguments(source, Path(folder) / "memory", network, memory_workers))
            memory = Memory(0, 0)
            with command as process:
                for done in lines(process, memory_photos):
                    if done == 1 or done % every == 0:
                        memory = _memory(process.pid, memory)
                        print(f"{done:6d}  {memory.resident:11.0f}  {memory.peak:7.0f}", flush=True)


def make_photos(folder: Path, count: int, width: int) -> None:
    """Write ``count`` different photos of ``width`` by 3/4 of that, each with one face."""
    folder.mkdir()
    side = width // 2
    face = Image.fromarray(skimage.data.astronaut()).resize((side, side))  # type: ignore[no-untyped-call]
    for number in range(count):
        pixels = np.random.default_rng(number).integers(90, 130, (width * 3 // 4, width, 3), dtype=np.uint8)
        x, y = (number * 37) % (width - side), (number * 23) % (width * 3 // 4 - side)
        pixels[y : y + side, x : x + side] = np.asarray(face)
        Image.fromarray(pixels).save(folder / f"{number:05d}.jpg", quality=92)


def _speed(source: Path, out: Path, weights: Path, workers: int, photos: int) -> str:
    """One line of the table. Without loading: from the first photo's line to the last one's."""
    start = first = last = time.perf_counter()
    memory = Memory(0, 0)
    with started(_arguments(source, out, weights, workers)) as process:
        for done in lines(process, photos):
            last = time.perf_counter()
            first = last if done == 1 else first
            memory = _memory(process.pid, memory)
    digest = hashlib.sha256()
    for path in sorted(out.iterdir()):
        digest.update(path.read_bytes())
    rate, with_loading = (photos - 1) / (last - first), photos / (last - start)
    return f"{workers:7d}  {rate:8.2f}  {with_loading:12.2f}  {memory.peak:7.0f}  sha256 {digest.hexdigest()[:16]}"


def _arguments(source: Path, out: Path, weights: Path, workers: int) -> list[object]:
    return [source, "-o", out, "--weights", weights, "--workers", workers]


@contextmanager
def started(arguments: Sequence[object]) -> Iterator[subprocess.Popen[str]]:
    """Run ``snadnet deblur`` on the CPU with some arguments; its end is waited for, and must be a good one."""
    command = [sys.executable, "-m", "snadnet", "deblur", *arguments, "--device", "cpu"]
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdout is not None
        process.stdout.read()  # the summary, for which the command would else find no reader
    if process.returncode:
        raise SystemExit(f"snadnet deblur ended with exit code {process.returncode}")


def lines(process: subprocess.Popen[str], photos: int) -> Iterator[int]:
    """Counts the photos as their lines come; the summary is not one."""
    assert process.stdout is not None
    for number, _ in zip(range(1, photos + 1), process.stdout, strict=False):
        yield number


def _memory(pid: int, before: Memory) -> Memory:
    """Return that of a process; what it was before, if the process has just ended."""
    resident, peak = resident_memory(pid), peak_memory(pid)
    if resident is None or peak is None:
        return before
    return Memory(resident=resident / 1e6, peak=peak / 1e6)


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
