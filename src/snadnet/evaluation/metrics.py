"""What is measured of a restored face, and how readings of many faces become one figure (SPEC 12)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from snadnet.faces.classes import NUM_CLASSES
from snadnet.metrics.segmentation import mean_ious

Readings = NDArray[Any]
"""What an instrument reads, faces first: (N,), NaN where a face has no value, or (N, 19, 19) pixel counts."""

Choice = NDArray[np.int64]
"""Numbers of faces, (K,), a face perhaps several times."""


@dataclass(frozen=True)
class Metric:
    """A measure.

    Attributes:
        key: Its name in CSV and JSON files.
        title: Its name in tables, with its unit.
        decimals: How many are worth printing.
        higher_is_better: The direction.
        per_face: Makes readings into a value a face, (N,).
        summary: Makes the readings of chosen faces, which all have a value, into one figure.
    """

    key: str
    title: str
    decimals: int
    higher_is_better: bool
    per_face: Callable[[Readings], NDArray[np.float64]]
    summary: Callable[[Readings, Choice], float]

    def __str__(self) -> str:
        return f"{self.title} {'(higher is better)' if self.higher_is_better else '(lower is better)'}"


def _values(readings: Readings) -> NDArray[np.float64]:
    return readings.astype(np.float64)


def _mean(readings: Readings, chosen: Choice) -> float:
    return float(readings[chosen].mean())


def _iou_per_face(counts: Readings) -> NDArray[np.float64]:
    return np.asarray(mean_ious(torch.from_numpy(counts), merge_left_right=True))


def _pooled_iou(counts: Readings, chosen: Choice) -> float:
    # Counting how often each face was drawn costs less memory than drawing its counts.
    weights = np.bincount(chosen, minlength=len(counts)).astype(np.float64)
    pooled = (weights @ counts.reshape(len(counts), -1)).reshape(NUM_CLASSES, NUM_CLASSES)
    return float(mean_ious(torch.from_numpy(pooled), merge_left_right=True))


def _averaged(key: str, title: str, decimals: int, *, higher_is_better: bool) -> Metric:
    return Metric(key, title, decimals, higher_is_better, _values, _mean)


PSNR: Final = _averaged("psnr", "PSNR dB", 2, higher_is_better=True)
SSIM: Final = _averaged("ssim", "SSIM", 4, higher_is_better=True)
L1: Final = _averaged("l1_percent", "L1 %", 2, higher_is_better=False)
IDENTITY: Final = _averaged("identity", "identity", 4, higher_is_better=True)
LANDMARK_ERROR: Final = _averaged("landmark_error_percent", "landmarks %", 2, higher_is_better=False)
FACES_FOUND: Final = _averaged("found", "found", 3, higher_is_better=True)
MEAN_IOU: Final = Metric("mean_iou", "mIoU", 4, higher_is_better=True, per_face=_iou_per_face, summary=_pooled_iou)
