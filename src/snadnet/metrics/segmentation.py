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

    def update(self, predicted: Tensor, true: Tensor) -> None:
        """Count the pixels of one batch.

        Args:
            predicted: int64 (B, H, W), class ids 0 to 18 (the argmax of the parser's logits).
            true: The same shape and range, on the same device.

        Raises:
            ValueError: The shapes differ or are not (B, H, W).
            RuntimeError: A class id is out of range.
        """
        if predicted.shape != true.shape or predicted.ndim != _DIMENSIONS:
            raise ValueError(
                "predicted and true labels must both be (B, H, W); "
                f"got {tuple(predicted.shape)} and {tuple(true.shape)}"
            )
        self.counts += multiclass_confusion_matrix(predicted, true, num_classes=NUM_CLASSES).cpu()

    def class_ious(self, *, merge_left_right: bool) -> tuple[ClassIoU, ...]:
        """Intersection over union of each class that occurs in the true labels, in the order of the ids.

        A class without a single true pixel is left out even where it was predicted: those pixels already
        count against the class that they truly have, and two parsers are then judged on the same classes.

        Args:
            merge_left_right: Count left and right eyes, brows and ears as one class each. Some labelled faces
                are mirrored, so that the sides in the labels cannot be trusted (SPEC 2).
        """
        counts = self.counts.clone()
        names = list(CLASS_NAMES)
        if merge_left_right:
            for left, right in LEFT_RIGHT_PAIRS:
                counts[left] += counts[right]
                counts[:, left] += counts[:, right]
                counts[right] = 0
                counts[:, right] = 0
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
        ious = [scored.iou for scored in self.class_ious(merge_left_right=merge_left_right)]
        if not ious:
            raise ValueError("mean IoU of nothing: call update with at least one labelled picture first")
        return sum(ious) / len(ious)
