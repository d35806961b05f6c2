"""Validation during training: held-out faces under fixed protocols, so that every validation sees the same pixels."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from snadnet.data.image_folder import FaceFile
from snadnet.data.protocols import PROTOCOLS, blurred_pair, sharp_labels
from snadnet.image_arrays import to_uint8
from snadnet.metrics.fidelity import ImageScores, concatenate, image_scores
from snadnet.metrics.parsing import ConfusionMatrix
from snadnet.training.config import ValidationSettings

_SAMPLES = 6


@dataclass(frozen=True)
class FixedFaces:
    """The validation faces under one protocol.

    Attributes:
        protocol: Its name.
        blurred: ``(N, 3, S, S)`` float32 in ``[0, 1]``.
        sharp: The same shape.
        labels: ``(N, S, S)`` int64 true class ids, or None if the faces have no label maps.
    """

    protocol: str
    blurred: Tensor
    sharp: Tensor
    labels: Tensor | None


def fixed_faces(faces: Sequence[FaceFile], settings: ValidationSettings) -> list[FixedFaces]:
    """Blur the validation faces once for each protocol; face ``i`` of the held-out ones gets kernel ``i``.

    Raises:
        DataError: If an image or a label map cannot be read.
    """
    count = min(settings.faces, len(faces))
    chosen = [index * len(faces) // count for index in range(count)]
    result = []
    for name in settings.protocols:
        protocol = PROTOCOLS[name]
        pairs = [blurred_pair(faces[index].image, protocol, index) for index in chosen]
        maps = [sharp_labels(faces[index], protocol, index) for index in chosen]
        known = [each for each in maps if each is not None]
        labels = torch.from_numpy(np.stack(known).astype(np.int64)) if len(known) == len(maps) else None
        blurred, sharp = (
            torch.from_numpy(np.stack([pair[part] for pair in pairs]).transpose(0, 3, 1, 2).copy()) for part in (0, 1)
        )
        result.append(FixedFaces(name, blurred, sharp, labels))
    return result


@torch.no_grad()
def validate_restoration(
    restore: Callable[[Tensor], Tensor], faces: Sequence[FixedFaces], *, batch_size: int, device: torch.device
) -> tuple[dict[str, float], dict[str, NDArray[np.uint8]]]:
    """Score a restoration under every protocol.

    Args:
        restore: Maps ``(B, 3, S, S)`` blurred faces to restored ones.
        faces: The fixed faces.
        batch_size: Faces at a time.
        device: Where to restore.

    Returns:
        Scores by name (the blurred input's own beside each), and a sample image by protocol: blurred, restored
        and sharp faces in three rows.
    """
    scores: dict[str, float] = {}
    images: dict[str, NDArray[np.uint8]] = {}
    for fixed in faces:
        restored = torch.cat(
            [
                restore(part.to(device, memory_format=torch.channels_last)).float().clamp(0.0, 1.0).cpu()
                for part in torch.split(fixed.blurred, batch_size)
            ]
        )
        after = _scores(restored, fixed.sharp, batch_size)
        before = _scores(fixed.blurred, fixed.sharp, batch_size)
        name = fixed.protocol
        for metric in ("psnr", "ssim", "l1_percent"):
            scores[f"{name}/{metric}"] = float(getattr(after, metric).mean())
            scores[f"{name}/blurred_{metric}"] = float(getattr(before, metric).mean())
        if torch.isfinite(before.psnr).all():
            scores[f"{name}/gain"] = scores[f"{name}/psnr"] - scores[f"{name}/blurred_psnr"]
            scores[f"{name}/worse_percent"] = 100.0 * float((after.psnr < before.psnr).float().mean())
        rows = [row[:_SAMPLES] for row in (fixed.blurred, restored, fixed.sharp)]
        grid = torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1)
        images[name] = to_uint8(grid.permute(1, 2, 0).numpy())
    # An input that is sharp already has an infinite score of its own, and a gain over it means nothing.
    return {name: score for name, score in scores.items() if math.isfinite(score)}, images


def _scores(images: Tensor, sharp: Tensor, batch_size: int) -> ImageScores:
    return concatenate([image_scores(image, true) for image, true in _batches(images, sharp, batch_size)])


def _batches(first: Tensor, second: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(torch.split(first, size), torch.split(second, size), strict=True)


@torch.no_grad()
def validate_parsing(
    parser: nn.Module, faces: Sequence[FixedFaces], *, batch_size: int, device: torch.device
) -> dict[str, float]:
    """Return the mean IoU with left and right merged, in ``[0, 1]``, under every protocol."""
    scores = {}
    for fixed in faces:
        assert fixed.labels is not None
        confusion = ConfusionMatrix()
        for blurred, labels in _batches(fixed.blurred, fixed.labels, batch_size):
            logits = parser(blurred.to(device, memory_format=torch.channels_last))
            confusion.update(logits.argmax(dim=1).cpu(), labels)
        scores[f"{fixed.protocol}/miou"] = confusion.mean_iou(merge_left_right=True)
    return scores
