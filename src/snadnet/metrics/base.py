"""The interface of metrics, and how the values of many faces become one figure."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from snadnet.inference import Device
from snadnet.inference.releases import DEFAULT_PARSER

Values = NDArray[Any]
"""Values of one measure, faces first: (N,), NaN where a face has none; or more than one number a face."""

Choice = NDArray[np.int64]
"""Indices of faces, (K,); a face may occur several times."""

ReadValues = Callable[[NDArray[np.uint8]], tuple[Values, ...]]
"""Restored faces, uint8 RGB (B, H, W, 3) -> the values of each measure."""


@dataclass(frozen=True, eq=False)
class ScoredFace:
    """One face of a test set.

    Attributes:
        name: Its name in tables and in the folders of other tools, without suffix.
        blurred: The input of a method: uint8 RGB (H, W, 3).
        sharp: The target, the same shape.
        labels: True class ids of the sharp face, uint8 (H, W), 255 where unknown; None if there are none.
    """

    name: str
    blurred: NDArray[np.uint8]
    sharp: NDArray[np.uint8]
    labels: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Measure:
    """One column of figures that a metric gives.

    Attributes:
        key: Its name in CSV and JSON files.
        title: Its name in tables, with its unit.
        decimals: How many are worth printing.
        higher_is_better: The direction.
        per_face: Turns values into one number a face, (N,).
        summary: Turns the values of chosen faces, none of them missing, into one figure.
        of_all: Is given what was read of all faces of a test set, once, and returns the values; for a measure whose
            value of one face depends on the other faces.
    """

    key: str
    title: str
    decimals: int
    higher_is_better: bool
    per_face: Callable[[Values], NDArray[np.float64]]
    summary: Callable[[Values, Choice], float]
    of_all: Callable[[Values], Values] = lambda values: values

    def __str__(self) -> str:
        return f"{self.title} {'(higher is better)' if self.higher_is_better else '(lower is better)'}"


class Metric(Protocol):
    """Scores restored faces one by one against their sharp ones."""

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The figures that it gives."""

    @property
    def description(self) -> str:
        """How it measures, in one line for the header of a report."""

    def prepare(self, faces: Sequence[ScoredFace]) -> ReadValues:
        """Process B sharp faces of one size once, and return the function that scores what a method made of them."""


@dataclass(frozen=True)
class SetMeasure:
    """One figure of a whole set of restored faces, which no single face has; lower is better.

    Attributes:
        key: Its name in JSON files.
        title: Its name in tables, where it is printed times ``factor``.
        decimals: How many are worth printing.
        factor: See ``title``.
    """

    key: str
    title: str
    decimals: int
    factor: float = 1.0


class SetMetric(ABC):
    """Compares the set of restored faces with the set of sharp ones, by features of each face.

    Attributes:
        set_measures: The figures that it gives.
        description: How it measures, in one line for the header of a report.
    """

    set_measures: tuple[SetMeasure, ...]
    description: str

    @abstractmethod
    def features(self, images: NDArray[np.uint8]) -> Tensor:
        """Return features, float32 (B, D) on the CPU, of uint8 RGB images (B, H, W, 3)."""

    @abstractmethod
    def distances(self, restored: Tensor, sharp: Tensor, *, seed: int) -> tuple[float, ...]:
        """Return the figures of two sets of features, each (N, D); NaN for fewer than two faces.

        Args:
            restored: Features of one set.
            sharp: Features of the other.
            seed: Seed of everything random.
        """


@dataclass(frozen=True)
class MetricOptions:
    """Files and settings that metrics are built from.

    Attributes:
        parser: Face parser for mIoU: a released name or a ``.safetensors`` file.
        embedding: Face-recognition network for identity: an ``.onnx`` file for OpenCV's ``FaceRecognizerSF``; dlib's
            if None.
        inception: torch-fidelity's Inception weights for FID and KID, a ``.pth`` file.
        lpips: torchvision's AlexNet with ImageNet weights for LPIPS, a ``.pth`` or ``.safetensors`` file.
        labelled: Whether the test set has label maps, for descriptions.
        device: Where networks run.
    """

    parser: str | Path = DEFAULT_PARSER
    embedding: Path | None = None
    inception: Path | None = None
    lpips: Path | None = None
    labelled: bool = False
    device: Device = "auto"


def averaged(key: str, title: str, decimals: int, *, higher_is_better: bool) -> Measure:
    """Return a measure with one number a face, whose figure is their mean."""
    return Measure(key, title, decimals, higher_is_better, _as_numbers, _mean)


def _as_numbers(values: Values) -> NDArray[np.float64]:
    return values.astype(np.float64)


def _mean(values: Values, chosen: Choice) -> float:
    return float(values[chosen].mean())
