"""The loader that feeds training: samples by their numbers, made in worker processes."""

import os
import signal
from collections.abc import Sequence

import cv2
import torch
from torch.utils.data import DataLoader

from snadnet.data.dataset import FaceDataset, FaceSample, SizeShare, StepSampler
from snadnet.data.degradation import kernel_bank, motion_bank

_WORKER_NICENESS = 10


def training_loader(
    dataset: FaceDataset,
    sizes: Sequence[SizeShare],
    *,
    workers: int,
    start: int = 0,
    rank: int = 0,
    world: int = 1,
    pin_memory: bool = False,
) -> DataLoader[FaceSample]:
    """Batches of samples from a step on, without end.

    Only paths and kernels are held in memory; a picture is read when its sample is made. The kernels are made here,
    once, so that forked workers share them. If there are workers, OpenCV is left with one thread in this process too.

    Args:
        dataset: makes the samples.
        sizes: picture sizes, and how often each is drawn.
        workers: processes beside the caller's; 0 makes the samples in the caller's.
        start: the first step's number.
        rank: number of this training process.
        world: how many there are.
        pin_memory: keep batches in memory that a GPU copies from quickly.
    """
    if dataset.degradation.trajectory_share > 0:
        for entry in sizes:
            kernel_bank(dataset.degradation, entry.size)
    if dataset.degradation.rotating_share > 0:
        motion_bank(dataset.degradation)
    if workers:
        # OpenCV's threads do not survive a fork, and a worker that would stop them then could wait for ever.
        cv2.setNumThreads(1)
    return DataLoader(
        dataset,
        batch_sampler=StepSampler(sizes, seed=dataset.seed, start=start, rank=rank, world=world),
        num_workers=workers,
        pin_memory=pin_memory,
        worker_init_fn=_prepare_worker,
        # Its own: a loader draws once from the common generator, after which a resumed run would differ.
        generator=torch.Generator().manual_seed(dataset.seed),
    )


def _prepare_worker(_worker: int) -> None:
    """Keep a worker process to one thread, behind the trainer, and leave it to the trainer to stop it.

    On few cores a worker that takes a core from one of the trainer's threads holds up all of them; at a lower
    priority it works in their gaps. Ctrl-C reaches the workers too; were they to die by it, the trainer could not
    write its last checkpoint.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.nice(_WORKER_NICENESS)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
