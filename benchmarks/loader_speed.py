"""Speed of the data loader, and what it means for training on CelebA's 162,770 faces.

Times the loader of ``snadnet train`` with the blurs and augmentations of the shipped configurations, measures its
memory against the number of files, and projects an epoch from the cost of one image.

Example: ``python benchmarks/loader_speed.py data/celeba/images --labels data/celeba/labels --workers 0 --workers 2``
"""

import math
import multiprocessing
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import cv2
import numpy as np
import torch
import typer
from PIL import Image

from snadnet.data.dataloader import training_batches
from snadnet.data.dataset import Augmentation, FaceDataset, SampleKey, SizeShare
from snadnet.data.degradation import SHARP_ONLY
from snadnet.data.image_folder import FaceFile, list_faces
from snadnet.environment import peak_memory, run_header
from snadnet.errors import SnadnetError
from snadnet.training import load_settings

CELEBA_FACES: Final = 162_770
BATCH: Final = 8
GPUS: Final = (1, 8)
CONFIGS: Final = Path(__file__).parents[1] / "configs"
BLURS: Final = {"celeba": CONFIGS / "snadnet" / "celeba.yaml", "mixture": CONFIGS / "snadnet" / "small-cpu.yaml"}


@dataclass(frozen=True)
class Speed:
    """Speed of one setting of the loader: images a second, and the seconds until the first batch."""

    rate: float
    start: float


def main(
    images: Annotated[Path | None, typer.Argument(help="Folder of faces; made up if left out.")] = None,
    *,
    labels: Annotated[Path | None, typer.Option(help="Folder of their label maps.")] = None,
    sizes: Annotated[list[int], typer.Option("--size", help="Image sizes in pixels; repeatable.")] = [160, 256],  # noqa: B006
    workers: Annotated[list[int], typer.Option(help="Numbers of worker processes; repeatable.")] = [0, 1, 2],  # noqa: B006
    count: Annotated[int, typer.Option(min=BATCH, help="Images in one measurement.")] = 1600,
    rounds: Annotated[int, typer.Option(min=1, help="Measurements of each; the median is shown.")] = 3,
    kernels: Annotated[int | None, typer.Option(min=1, help="Kernels in a bank, if not the configuration's.")] = None,
    memory_files: Annotated[list[int], typer.Option(help="Listed files to measure memory at.")] = [1000, 20_000],  # noqa: B006
    step_seconds: Annotated[
        float | None, typer.Option(min=1e-4, help=f"Seconds that a GPU takes for a step of {BATCH} images.")
    ] = None,
) -> None:
    """Print three tables: speed, memory, plan."""
    print(run_header(["snadnet", "torch", "numpy", "opencv-python-headless", "pillow"]))
    with tempfile.TemporaryDirectory() as folder:
        if images is None:
            images, labels = make_faces(Path(folder) / "faces", 64)
        faces = list_faces(images, labels)
        print(f"faces: {len(faces)} of {images}, label maps: {'yes' if labels else 'no'}")
        print(f"{count} images in batches of {BATCH}, median of {rounds}\n")
        print("blur     px  workers    images/s    ms/image  first batch s")
        costs: dict[tuple[str, int], float] = {}
        for blur, path in BLURS.items():
            data = load_settings(path).data
            degradation = data.degradation.model_copy(update={} if kernels is None else {"kernels": kernels})
            dataset = FaceDataset(faces, degradation, data.augmentation, seed=0)
            for size in sizes:
                for number in workers:
                    speeds = [measure(dataset, size, number, count) for _ in range(rounds)]
                    rate = statistics.median(each.rate for each in speeds)
                    if number <= 1:
                        # Of one core: without workers, or of the one worker.
                        costs[blur, size] = 1 / rate
                    head = f"{blur:7s} {size:3d}  {number:7d}"
                    print(f"{head}  {rate:10.1f}  {1e3 / rate:10.2f}  {speeds[0].start:13.2f}", flush=True)
        print("\nlisted files  seconds  peak memory MB  size on disk MB")
        for files in memory_files:
            seconds, memory = listing(faces, files, Path(folder) / str(files))
            on_disk = files * size_on_disk(faces) / 1e6
            print(f"{files:12d}  {seconds:7.2f}  {memory:14.0f}  {on_disk:15.0f}", flush=True)
    print(f"\nPlan for {CELEBA_FACES} faces, from the cost of one image on one core of this machine:")
    for (blur, size), cost in costs.items():
        print(f"{blur}, {size} px: {plan(cost, step_seconds)}")


def measure(dataset: FaceDataset, size: int, workers: int, count: int) -> Speed:
    """Time ``count`` images after what was prepared ahead of them."""
    if not workers:
        # What a worker does for itself.
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
    began = time.perf_counter()
    batches = training_batches(dataset, [SizeShare(size=size, batch_size=BATCH)], workers=workers)
    next(batches)
    first = time.perf_counter() - began
    # Workers prepare two batches each ahead, which would else count as delivered in no time.
    for _ in range(2 * workers):
        next(batches)
    began = time.perf_counter()
    steps = math.ceil(count / BATCH)
    for _ in range(steps):
        next(batches)
    rate = steps * BATCH / (time.perf_counter() - began)
    batches.close()
    return Speed(rate, first)


def listing(faces: list[FaceFile], files: int, folder: Path) -> tuple[float, float]:
    """Measure a fresh process that lists so many files and makes 200 samples; see `list_and_read`."""
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    labelled = faces[0].labels is not None
    for number in range(files):
        face = faces[number % len(faces)]
        link(face.image, folder / "images" / f"{number:06d}{face.image.suffix}")
        if face.labels is not None:
            link(face.labels, folder / "labels" / f"{number:06d}.png")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(list_and_read, folder, labelled).result()


def list_and_read(folder: Path, labelled: bool) -> tuple[float, float]:
    """Seconds that the listing takes, and the most memory in MB that this process held after 200 samples."""
    began = time.perf_counter()
    faces = list_faces(folder / "images", folder / "labels" if labelled else None)
    seconds = time.perf_counter() - began
    dataset = FaceDataset(faces, SHARP_ONLY, Augmentation(), seed=0)
    for number in range(200):
        dataset[SampleKey(number, 160)]
    return seconds, (peak_memory() or math.nan) / 1e6


def link(source: Path, name: Path) -> None:
    """Name a file once more; a symbolic link, as the source may lie on another disk."""
    name.symlink_to(source.resolve())


def size_on_disk(faces: list[FaceFile]) -> float:
    """Mean bytes of a face's files."""
    paths = [path for face in faces[:1000] for path in (face.image, face.labels) if path is not None]
    return sum(path.stat().st_size for path in paths) / min(1000, len(faces))


def plan(cost: float, step_seconds: float | None) -> str:
    """An epoch by the loader alone, and under GPUs that take ``step_seconds`` for a step."""
    alone = f"{1e3 * cost:.2f} ms an image, {CELEBA_FACES * cost / 60:.1f} core-minutes an epoch"
    if step_seconds is None:
        return f"{alone}; give --step-seconds for GPUs"
    # What the workers of one GPU must make in a step, whatever the number of GPUs.
    needed = math.ceil(BATCH * cost / step_seconds)
    minutes = CELEBA_FACES / BATCH * step_seconds / 60
    epochs = ", ".join(f"{minutes / gpus:.1f} min on {gpus} GPU(s)" for gpus in GPUS)
    return f"{alone}; {needed} worker(s) a GPU; an epoch {epochs} (projected)"


def make_faces(folder: Path, count: int, size: int = 256) -> tuple[Path, Path]:
    """Write images about as hard to decode as photos of faces: coarse shapes and fine grain; with label maps."""
    images, labels = folder / "images", folder / "labels"
    images.mkdir(parents=True)
    labels.mkdir()
    for number in range(count):
        rng = np.random.default_rng(number)
        coarse = cv2.resize(rng.uniform(0, 255, (12, 12, 3)), (size, size), interpolation=cv2.INTER_CUBIC)
        face = np.clip(coarse + rng.normal(0, 3, coarse.shape), 0, 255).astype(np.uint8)
        Image.fromarray(face).save(images / f"{number:05d}.png")
        classes = cv2.resize(rng.integers(0, 19, (8, 8), dtype=np.uint8), (size, size), interpolation=cv2.INTER_NEAREST)
        Image.fromarray(np.asarray(classes)).save(labels / f"{number:05d}.png")
    return images, labels


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
