"""The instruments that read restored faces one by one: fidelity, face parsing, landmarks and identity."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snadnet.data.image_folder import UNLABELLED
from snadnet.errors import WeightsError
from snadnet.evaluation.methods import to_tensor
from snadnet.evaluation.metrics import (
    FACES_FOUND,
    IDENTITY,
    L1,
    LANDMARK_ERROR,
    MEAN_IOU,
    PSNR,
    SSIM,
    Metric,
    Readings,
)
from snadnet.evaluation.test_set import ScoredFace
from snadnet.faces import Face, FaceDetector
from snadnet.faces.types import common_area
from snadnet.inference import load_parser
from snadnet.metrics.image import image_scores
from snadnet.metrics.segmentation import confusion_counts

Reader = Callable[[NDArray[np.uint8]], tuple[Readings, ...]]
"""Restored faces, uint8 RGB (B, H, W, 3) -> the readings of each metric, faces first."""

SFACE_REMEDY: Final = (
    "identity: left out; give a face-recognition network by --embedding, such as face_recognition_sface_2021dec.onnx "
    "of https://github.com/opencv/opencv_zoo (Apache 2.0)"
)


class Instrument(Protocol):
    """Reads restored faces against their sharp ones."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What it measures."""

    @property
    def description(self) -> str:
        """How, in one line for the header."""

    def against(self, faces: Sequence[ScoredFace]) -> Reader:
        """Look at B faces of one size once, to read what each method makes of them."""


class Fidelity:
    """PSNR, SSIM and L1 % of 8-bit RGB (:mod:`snadnet.metrics.image`)."""

    metrics = (PSNR, SSIM, L1)
    description = "PSNR, SSIM (Gaussian window of 11 px, sigma 1.5), L1 %: of each face, on 8-bit RGB"

    def against(self, faces: Sequence[ScoredFace]) -> Reader:
        """Keep the sharp faces."""
        sharp = to_tensor(np.stack([face.sharp for face in faces]))

        def read(restored: NDArray[np.uint8]) -> tuple[Readings, ...]:
            # One by one: the sums of a batch are added up in another order, which shows in the last digits.
            pairs = zip(torch.split(to_tensor(restored), 1), torch.split(sharp, 1), strict=True)
            scores = [image_scores(*pair) for pair in pairs]
            return tuple(
                np.array([float(getattr(each, name)) for each in scores]) for name in ("psnr", "ssim", "l1_percent")
            )

        return read


class Parsing:
    """Mean IoU of what a face parser sees in the restored faces.

    Against the test set's labels; where a face has none, against what the parser sees in the sharp face.

    Args:
        weights: The parser's ``.safetensors`` file.
        device: Where it runs.
        labelled: Whether the test set has labels, for the header.

    Raises:
        WeightsError: The file is missing, damaged or no parser's.
    """

    metrics = (MEAN_IOU,)

    def __init__(self, weights: Path, *, device: torch.device, labelled: bool) -> None:
        self._parser = load_parser(weights, "cpu").to(device)
        self._device = device
        truth = "the test set's labels" if labelled else "what it sees in the sharp face"
        self.description = (
            f"mIoU: parser {weights.name} against {truth}; pixels pooled over the faces, mean over the classes "
            "that occur, left and right merged"
        )

    def against(self, faces: Sequence[ScoredFace]) -> Reader:
        """Keep the labels, or make them."""
        labels = [self._labels(face) for face in faces]

        def read(restored: NDArray[np.uint8]) -> tuple[Readings, ...]:
            pairs = zip(restored, labels, strict=True)
            counts = [confusion_counts(self._parse(face), true, unknown=UNLABELLED) for face, true in pairs]
            return (np.asarray(torch.cat(counts)),)

        return read

    def _labels(self, face: ScoredFace) -> Tensor:
        if face.labels is None:
            return self._parse(face.sharp)
        return torch.from_numpy(face.labels.astype(np.int64))[None]

    def _parse(self, picture: NDArray[np.uint8]) -> Tensor:
        return parsed(self._parser, picture, self._device)


class Landmarks:
    """Error of five landmarks, the share of faces found, and, by an embedding, identity similarity.

    The detector looks at the restored and at the sharp face. The error is the mean distance of the five points
    in percent of the sharp face's distance between the eyes. For the embedding both faces are cut by the sharp
    face's landmarks, so that it judges the face and not the detector.

    Args:
        embedding: A face-recognition network for OpenCV's ``FaceRecognizerSF``; None leaves identity out.

    Raises:
        WeightsError: The embedding's file is missing or unusable.
    """

    def __init__(self, embedding: Path | None) -> None:
        self._detector = FaceDetector()
        self._embedding = None if embedding is None else _Embedding(embedding)
        self.metrics: tuple[Metric, ...] = (LANDMARK_ERROR, FACES_FOUND)
        self.description = (
            "landmarks %: five points of YuNet on the restored against the sharp face, mean distance in percent of "
            "that between the eyes, over the faces found; found: their share of those found in the sharp faces"
        )
        if embedding is not None:
            self.metrics = (IDENTITY, *self.metrics)
            self.description += f"; identity: cosine similarity of {embedding.name} to the sharp face"

    def against(self, faces: Sequence[ScoredFace]) -> Reader:
        """Find the sharp faces."""
        found = [max(self._detector.detect(face.sharp), key=_area, default=None) for face in faces]
        embedded = [
            None if self._embedding is None or place is None else self._embedding(face.sharp, place)
            for face, place in zip(faces, found, strict=True)
        ]

        def read(restored: NDArray[np.uint8]) -> tuple[Readings, ...]:
            errors = [_error(self._find(face, true), true) for face, true in zip(restored, found, strict=True)]
            seen = [
                np.nan if true is None else float(np.isfinite(error)) for error, true in zip(errors, found, strict=True)
            ]
            readings = (np.array(errors), np.array(seen))
            if self._embedding is None:
                return readings
            alike = [
                np.nan if true is None or sharp is None else float(self._embedding(face, true) @ sharp)
                for face, true, sharp in zip(restored, found, embedded, strict=True)
            ]
            return (np.array(alike), *readings)

        return read

    def _find(self, picture: NDArray[np.uint8], true: Face | None) -> Face | None:
        """The face that lies where the sharp one was seen."""
        if true is None:
            return None
        places = [face for face in self._detector.detect(picture) if common_area(face.box, true.box) > 0]
        return max(places, key=lambda face: common_area(face.box, true.box), default=None)


class _Embedding:
    """Unit vectors that tell people apart."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise WeightsError(f"{path}: no such embedding; {SFACE_REMEDY.partition('; ')[2]}")
        try:
            self._network = cv2.FaceRecognizerSF.create(str(path), "")
        except cv2.error as error:
            raise WeightsError(
                f"{path}: OpenCV cannot read it as a face-recognition network; fetch it again"
            ) from error

    def __call__(self, picture: NDArray[np.uint8], face: Face) -> NDArray[np.float64]:
        """Embed a face of a picture, uint8 RGB (H, W, 3)."""
        row = np.array([[*face.box, *face.landmarks.ravel(), face.confidence]], np.float32)
        crop = self._network.alignCrop(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), row)
        vector = self._network.feature(crop).astype(np.float64).ravel()
        return np.asarray(vector / max(float(np.linalg.norm(vector)), np.finfo(np.float64).tiny))


@torch.inference_mode()
def parsed(parser: torch.nn.Module, picture: NDArray[np.uint8], device: torch.device) -> Tensor:
    """The most probable classes, int64 (1, H, W) on the CPU, of uint8 RGB (H, W, 3)."""
    logits: Tensor = parser(to_tensor(picture[None]).to(device))
    return logits.argmax(dim=1).cpu()


def _area(face: Face) -> float:
    return face.box[2] * face.box[3]


def _error(face: Face | None, true: Face | None) -> float:
    if face is None or true is None:
        return float("nan")
    distances = np.linalg.norm(face.landmarks - true.landmarks, axis=1)
    eyes = float(np.linalg.norm(true.landmarks[0] - true.landmarks[1]))
    return 100.0 * float(distances.mean()) / eyes if eyes else float("nan")
