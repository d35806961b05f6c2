"""Intersection over union of face parsing, pooled over a whole data set, for each class and on average.

Counts are pooled before the division: a class that covers few pixels of few faces (glasses, earrings) is
judged on all of them together, where a mean over images would give an image with two such pixels as much
weight as any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchmetrics.functional.classification import multiclass_confusion_matrix

from snadnet.data.image_folder import UNLABELLED
from snadnet.faces.classes import CLASS_NAMES, LEFT_RIGHT_PAIRS, NUM_CLASSES
from snadnet.image_arrays import to_float
from snadnet.inference import Device, load_parser
from snadnet.metrics.base import Choice, Measure, MetricOptions, ReadValues, ScoredFace, Values

_DIMENSIONS: Final = 3


@dataclass(frozen=True)
class ClassIoU:
    """Intersection over union of one class.

    Attributes:
        name: The class; a merged pair is named after both, as in ``left_eye+right_eye``.
        iou: Intersection over union in [0, 1].
        pixels: How many pixels of the true labels have the class.
    """

    name: str
    iou: float
    pixels: int


class ConfusionMatrix:
    """Counts how often each true class was called each predicted class, image by image.

    The counts do not depend on the order or the batching of the images.

    Attributes:
        counts: int64 (19, 19), on the CPU; row = true class, column = predicted class.
    """

    def __init__(self) -> None:
        self.counts: Tensor = torch.zeros(NUM_CLASSES, NUM_CLASSES, dtype=torch.int64)

    def update(self, predicted: Tensor, true: Tensor, *, unknown: int | None = None) -> None:
        """Count the pixels of one batch.

        Args:
            predicted: int64 (B, H, W), class ids 0 to 18 (the argmax of the parser's logits).
            true: The same shape and range, on the same device.
            unknown: A value in ``true`` whose pixels are not counted.

        Raises:
            ValueError: If the shapes differ or are not (B, H, W).
            RuntimeError: If a class id is out of range.
        """
        self.counts += confusion_counts(predicted, true, unknown=unknown).sum(dim=0)

    def class_ious(self, *, merge_left_right: bool) -> tuple[ClassIoU, ...]:
        """Return the intersection over union of each class that occurs in the true labels, in the order of the ids.

        A class without a single true pixel is left out even where it was predicted: those pixels already
        count against the class that they truly have, and two parsers are then judged on the same classes.

        Args:
            merge_left_right: Count left and right eyes, brows and ears as one class each. Some labelled faces
                are mirrored, so that the sides in the labels cannot be trusted (``docs/research/paper.md``,
                Parsing map).
        """
        counts = _merged(self.counts) if merge_left_right else self.counts
        names = list(CLASS_NAMES)
        if merge_left_right:
            for left, right in LEFT_RIGHT_PAIRS:
                names[left] = f"{CLASS_NAMES[left]}+{CLASS_NAMES[right]}"
        true_pixels = counts.sum(dim=1)
        union = true_pixels + counts.sum(dim=0) - counts.diagonal()
        return tuple(
            ClassIoU(
                name=names[label],
                iou=float(counts[label, label]) / float(union[label]),
                pixels=int(true_pixels[label]),
            )
            for label in range(NUM_CLASSES)
            if true_pixels[label] > 0
        )

    def mean_iou(self, *, merge_left_right: bool) -> float:
        """Return the plain mean of ``class_ious``, each class that occurs counting the same.

        Raises:
            ValueError: If no pixel was counted yet.
        """
        if not self.counts.any():
            raise ValueError("mean IoU of nothing: call update with at least one labelled image first")
        return float(mean_ious(self.counts, merge_left_right=merge_left_right))


def confusion_counts(predicted: Tensor, true: Tensor, *, unknown: int | None = None) -> Tensor:
    """Count the pixels of each image by true and predicted class.

    Args:
        predicted: int64 (B, H, W), class ids 0 to 18 (the argmax of the parser's logits).
        true: The same shape and range, on the same device.
        unknown: A value in ``true`` whose pixels are not counted.

    Returns:
        int64 (B, 19, 19) on the CPU; row = true class, column = predicted class.

    Raises:
        ValueError: If the shapes differ or are not (B, H, W).
        RuntimeError: If a class id is out of range.
    """
    if predicted.shape != true.shape or predicted.ndim != _DIMENSIONS:
        raise ValueError(
            f"predicted and true labels must both be (B, H, W); got {tuple(predicted.shape)} and {tuple(true.shape)}"
        )
    counts = [
        multiclass_confusion_matrix(*pair, num_classes=NUM_CLASSES, ignore_index=unknown)
        for pair in zip(predicted, true, strict=True)
    ]
    return torch.stack(counts).cpu()


def mean_ious(counts: Tensor, *, merge_left_right: bool) -> Tensor:
    """Return the plain mean of the intersections over union of the classes that occur in the true labels.

    Args:
        counts: (..., 19, 19) as ``confusion_counts`` gives them, or sums of such.
        merge_left_right: As for ``ConfusionMatrix.class_ious``.

    Returns:
        float64 (...) in [0, 1]; NaN where nothing was counted.
    """
    counts = (_merged(counts) if merge_left_right else counts).double()
    found = counts.diagonal(dim1=-2, dim2=-1)
    true_pixels = counts.sum(dim=-1)
    occurs = true_pixels > 0
    union = torch.where(occurs, true_pixels + counts.sum(dim=-2) - found, 1.0)
    return torch.where(occurs, found / union, 0.0).sum(dim=-1) / occurs.sum(dim=-1)


def _merged(counts: Tensor) -> Tensor:
    """Return the counts with those of right eyes, brows and ears added to the left ones'; zeros stay behind."""
    counts = counts.clone()
    for left, right in LEFT_RIGHT_PAIRS:
        counts[..., left, :] += counts[..., right, :]
        counts[..., right, :] = 0
        counts[..., :, left] += counts[..., :, right]
        counts[..., :, right] = 0
    return counts


def parse(parser: nn.Module, image: NDArray[np.uint8]) -> Tensor:
    """Return the most probable classes, int64 (1, H, W) on the CPU, of an image, uint8 RGB (H, W, 3)."""
    device = next(parser.parameters()).device
    with torch.inference_mode():
        logits: Tensor = parser(torch.from_numpy(to_float(image)).permute(2, 0, 1)[None].to(device))
    return logits.argmax(dim=1).cpu()


def _iou_per_face(counts: Values) -> NDArray[np.float64]:
    return np.asarray(mean_ious(torch.from_numpy(counts), merge_left_right=True))


def _pooled_iou(counts: Values, chosen: Choice) -> float:
    # Counting how often each face was drawn costs less memory than drawing its counts.
    weights = np.bincount(chosen, minlength=len(counts)).astype(np.float64)
    pooled = (weights @ counts.reshape(len(counts), -1)).reshape(NUM_CLASSES, NUM_CLASSES)
    return float(mean_ious(torch.from_numpy(pooled), merge_left_right=True))


MEAN_IOU: Final = Measure("mean_iou", "mIoU", 4, higher_is_better=True, per_face=_iou_per_face, summary=_pooled_iou)


class Parsing:
    """Mean IoU of what a face parser sees in the restored faces.

    Scored against the test set's labels; where a face has none, against what the parser sees in the sharp face.

    Args:
        parser: A released name, or a ``.safetensors`` file.
        device: Where it runs.
        labelled: Whether the test set has labels, for the description.

    Raises:
        WeightsError: If the file is missing, damaged or not of a parser.
    """

    measures: tuple[Measure, ...] = (MEAN_IOU,)

    def __init__(self, parser: str | Path, *, device: Device = "auto", labelled: bool = False) -> None:
        self._parser = load_parser(parser, device)
        truth = "the test set's labels" if labelled else "what it sees in the sharp face"
        self.description = (
            f"mIoU: parser {Path(parser).name} against {truth}; pixels pooled over the faces, mean over the classes "
            "that occur, left and right merged"
        )

    @classmethod
    def create(cls, options: MetricOptions) -> "Parsing":
        """Return the metric of ``options.parser``."""
        return cls(options.parser, device=options.device, labelled=options.labelled)

    def prepare(self, faces: Sequence[ScoredFace]) -> ReadValues:
        """Take or predict the labels of the sharp faces; see ``snadnet.metrics.base.Metric``."""
        labels = [self._labels(face) for face in faces]

        def read(restored: NDArray[np.uint8]) -> tuple[Values, ...]:
            pairs = zip(restored, labels, strict=True)
            counts = [confusion_counts(parse(self._parser, face), true, unknown=UNLABELLED) for face, true in pairs]
            return (np.asarray(torch.cat(counts)),)

        return read

    def _labels(self, face: ScoredFace) -> Tensor:
        if face.labels is None:
            return parse(self._parser, face.sharp)
        return torch.from_numpy(face.labels.astype(np.int64))[None]
