"""Intersection over union of face parsing, pooled over a whole data set, for each class and in the mean.

Counts are pooled before the division: a class that covers few pixels of few faces (glasses, earrings) is
judged on all of them together, where a mean over pictures would give a picture with two such pixels as much
say as any.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torchmetrics.functional.classification import multiclass_confusion_matrix

from snadnet.faces.classes import CLASS_NAMES, LEFT_RIGHT_PAIRS, NUM_CLASSES

_DIMENSIONS: Final = 3


@dataclass(frozen=True)
class ClassIoU:
    """How well one class was found.

    Attributes:
        name: The class; a merged pair is named after both, as in ``left_eye+right_eye``.
        iou: Intersection over union in [0, 1].
        pixels: How many pixels of the true labels have the class.
    """

    name: str
    iou: float
    pixels: int


class ConfusionMatrix:
    """Counts how often each true class was called each predicted class, picture by picture.

    The counts do not depend on the order or the batching of the pictures.

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
            ValueError: The shapes differ or are not (B, H, W).
            RuntimeError: A class id is out of range.
        """
        self.counts += confusion_counts(predicted, true, unknown=unknown).sum(dim=0)

    def class_ious(self, *, merge_left_right: bool) -> tuple[ClassIoU, ...]:
        """Intersection over union of each class that occurs in the true labels, in the order of the ids.

        A class without a single true pixel is left out even where it was predicted: those pixels already
        count against the class that they truly have, and two parsers are then judged on the same classes.

        Args:
            merge_left_right: Count left and right eyes, brows and ears as one class each. Some labelled faces
                are mirrored, so that the sides in the labels cannot be trusted (SPEC 2).
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
        """The plain mean of :meth:`class_ious`, each class that occurs counting the same.

        Raises:
            ValueError: No pixel was counted yet.
        """
        if not self.counts.any():
            raise ValueError("mean IoU of nothing: call update with at least one labelled picture first")
        return float(mean_ious(self.counts, merge_left_right=merge_left_right))


def confusion_counts(predicted: Tensor, true: Tensor, *, unknown: int | None = None) -> Tensor:
    """Count the pixels of each picture by true and predicted class.

    Args:
        predicted: int64 (B, H, W), class ids 0 to 18 (the argmax of the parser's logits).
        true: The same shape and range, on the same device.
        unknown: A value in ``true`` whose pixels are not counted.

    Returns:
        int64 (B, 19, 19) on the CPU; row = true class, column = predicted class.

    Raises:
        ValueError: The shapes differ or are not (B, H, W).
        RuntimeError: A class id is out of range.
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
    """The plain mean of the intersections over union of the classes that occur in the true labels.

    Args:
        counts: (..., 19, 19) as :func:`confusion_counts` gives them, or sums of such.
        merge_left_right: As for :meth:`ConfusionMatrix.class_ious`.

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
    """The same counts with those of right eyes, brows and ears added to the left ones'; zeros stay behind."""
    counts = counts.clone()
    for left, right in LEFT_RIGHT_PAIRS:
        counts[..., left, :] += counts[..., right, :]
        counts[..., right, :] = 0
        counts[..., :, left] += counts[..., :, right]
        counts[..., :, right] = 0
    return counts
