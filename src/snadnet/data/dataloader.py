"""The loader that feeds training: samples by their numbers, made in worker processes."""

import os
import signal
from collections.abc import Generator, Sequence
from types import FrameType
from typing import Final

import cv2
import torch
from torch.utils.data import DataLoader, Dataset, default_collate

from snadnet.data.dataset import FaceDataset, FaceSample, SampleKey, SizeShare, StepSampler
from snadnet.data.degradation import kernel_bank, motion_bank
from snadnet.errors import DataError, SnadnetError

_WORKER_NICENESS: Final = 10
_GRACE: Final = 10.0  # seconds that a worker outlives a SIGTERM, in which the trainer ends it in good order


def training_batches(
    dataset: FaceDataset,
    sizes: Sequence[SizeShare],
    *,
    workers: int,
    start: int = 0,
    rank: int = 0,
    world: int = 1,
    pin_memory: bool = False,
) -> Generator[FaceSample, None, None]:
    """Return batches of samples from a step on, without end. Close the generator to end its workers.

    Only paths and kernels are held in memory; an image is read when its sample is made. The kernels are made here,
    once, so that forked workers share them. If there are workers, OpenCV is left with one thread in this process too.

    Args:
        dataset: Makes the samples.
        sizes: Image sizes, and how often each is drawn.
        workers: Processes beside the caller's; 0 makes the samples in the caller's.
        start: The first step's number.
        rank: Number of this training process.
        world: How many there are.
        pin_memory: Keep batches in memory that a GPU copies from quickly.

    Raises:
        DataError: If a sample cannot be made, with the message of its cause, or a worker was killed.
    """
    degradation = dataset.degradation
    for mixture in (degradation, degradation.paper) if degradation.paper_share > 0 else (degradation,):
        if mixture.trajectory_share > 0:
            for entry in sizes:
                kernel_bank(mixture, entry.size)
    if degradation.rotating_share > 0:
        motion_bank(degradation)
    if workers:
        # OpenCV's threads do not survive a fork, and a worker that would stop them then could wait for ever.
        cv2.setNumThreads(1)
    loader = DataLoader(
        _Samples(dataset),
        batch_sampler=StepSampler(sizes, seed=dataset.seed, start=start, rank=rank, world=world),
        num_workers=workers,
        pin_memory=pin_memory,
        collate_fn=_collate,
        worker_init_fn=_prepare_worker,
        # Its own: a loader draws once from the common generator, after which a resumed run would differ.
        generator=torch.Generator().manual_seed(dataset.seed),
    )
    return _batches(loader)


def _batches(loader: DataLoader[FaceSample | str]) -> Generator[FaceSample, None, None]:
    batches = iter(loader)
    try:
        while True:
            try:
                batch: FaceSample | str = next(batches)
            except RuntimeError as error:
                if "DataLoader worker (pid" not in str(error):
                    raise
                raise DataError(
                    f"a process that prepares faces ended ({' '.join(str(error).split())[:160]}); "
                    "free some memory, or lower data.workers"
                ) from error
            if isinstance(batch, str):
                raise DataError(batch)
            yield batch
    finally:
        # At once, not when the last traceback that refers to it is forgotten.
        end_workers = getattr(batches, "_shutdown_workers", None)
        if end_workers is not None:
            end_workers()


class _Samples(Dataset[FaceSample | str]):
    """The samples, or why one cannot be made.

    What a worker raises would reach the trainer as a traceback in place of a message.
    """

    def __init__(self, dataset: FaceDataset) -> None:
        self.dataset = dataset

    def __getitem__(self, key: SampleKey) -> FaceSample | str:
        try:
            return self.dataset[key]
        except SnadnetError as error:
            return str(error)


def _collate(samples: list[FaceSample | str]) -> FaceSample | str:
    """Return a batch, or why there is none."""
    for sample in samples:
        if isinstance(sample, str):
            return sample
    batch: FaceSample = default_collate(samples)
    return batch


def _prepare_worker(_worker: int) -> None:
    """Keep a worker process to one thread, behind the trainer, and let the trainer end it.

    On few cores a worker that takes a core from one of the trainer's threads holds up all of them; at a lower
    priority it works in their gaps. Ctrl-C and SIGTERM may reach the workers too; were they to die at once, the trainer
    could not finish its step and write its last checkpoint. After SIGTERM they end by themselves, a little later.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end_soon)
    os.nice(_WORKER_NICENESS)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def _end_soon(_number: int, _frame: FrameType | None) -> None:
    # The system's own reaction to the alarm ends the process, whatever it does then.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, _GRACE)
