"""The faces of a run: which are trained on, which are held out, and their batches on the device."""

from collections.abc import Generator
from contextlib import closing

import torch
from accelerate import Accelerator
from torch import Tensor

from snadnet.data.dataloader import training_batches
from snadnet.data.dataset import FaceDataset, FaceSample
from snadnet.data.image_folder import UNLABELLED, FaceFile, list_faces, split_by_name
from snadnet.errors import ConfigError
from snadnet.training.config import DataSettings, LabelledSettings, RunSettings


def training_and_validation_faces(data: DataSettings) -> tuple[list[FaceFile], list[FaceFile]]:
    """Return all sources' training faces, and the first source's held-out faces.

    Raises:
        DataError: If a folder is missing, empty or unreadable.
        ConfigError: If the first source holds out no faces.
    """
    if not data.sources[0].hold_out:
        raise ConfigError("data.sources.0.hold_out: the first source must hold out faces to validate on")
    splits = [split_by_name(list_faces(source.images, source.labels), source.hold_out) for source in data.sources]
    return [face for training, _ in splits for face in training], splits[0][1]


def check_labels(settings: LabelledSettings, training: list[FaceFile]) -> None:
    """Refuse faces without label maps where no parser is given to label them.

    Raises:
        ConfigError: If there are such faces.
    """
    if settings.label_parser is None and any(face.labels is None for face in training):
        raise ConfigError("label_parser: faces without label maps need a sharp-face parser to label them")


def fill_labels(labels: Tensor, predicted: Tensor) -> Tensor:
    """Replace unknown classes in ``(B, H, W)`` labels by predicted ones of the same shape."""
    return torch.where(labels == UNLABELLED, predicted, labels)


def device_batches(
    faces: list[FaceFile], settings: RunSettings, accelerator: Accelerator, start: int
) -> Generator[FaceSample, None, None]:
    """Yield batches on the device, channels-last, from step ``start`` on, without end.

    Close the generator to end its worker processes.

    Raises:
        DataError: If a face or its label map cannot be read; the message names the file.
    """
    data, device = settings.data, accelerator.device
    dataset = FaceDataset(faces, data.degradation, data.augmentation, seed=settings.seed)
    batches = training_batches(
        dataset,
        data.sizes,
        workers=data.workers,
        start=start,
        rank=accelerator.process_index,
        world=accelerator.num_processes,
        pin_memory=device.type == "cuda",
    )
    with closing(batches):
        for blurred, sharp, labels, kernels in batches:
            yield FaceSample(
                blurred.to(device, non_blocking=True, memory_format=torch.channels_last),
                sharp.to(device, non_blocking=True, memory_format=torch.channels_last),
                labels.to(device, non_blocking=True),
                kernels.to(device, non_blocking=True),
            )
