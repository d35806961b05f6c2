"""Identity similarity: how alike a face-recognition network finds a restored face and its sharp one.

It measures whether a restored face still resembles the true one; it is not for finding out who somebody is.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from snadnet.errors import ConfigError, WeightsError
from snadnet.faces import Face, FaceDetector
from snadnet.metrics.base import Measure, MetricOptions, ReadValues, ScoredFace, Values, averaged
from snadnet.metrics.landmarks import largest_face

IDENTITY: Final = averaged("identity", "identity", 4, higher_is_better=True)

REMEDY: Final = (
    "give a face-recognition network by --embedding, such as face_recognition_sface_2021dec.onnx "
    "of https://github.com/opencv/opencv_zoo (Apache 2.0)"
)


class Identity:
    """Cosine similarity of a face-recognition embedding to that of the sharp face.

    Both faces are cut by the sharp face's landmarks, so that the face is judged and not the detector. NaN where
    the sharp face is not found.

    Args:
        embedding: A face-recognition network for OpenCV's ``FaceRecognizerSF`` (.onnx).

    Raises:
        WeightsError: If the file is missing or unusable.
    """

    measures: tuple[Measure, ...] = (IDENTITY,)

    def __init__(self, embedding: Path) -> None:
        self._detector = FaceDetector()
        self._embedding = _Embedding(embedding)
        self.description = f"identity: cosine similarity of {embedding.name} to the sharp face"

    @classmethod
    def create(cls, options: MetricOptions) -> "Identity":
        """Return the metric of ``options.embedding``.

        Raises:
            ConfigError: If there is none.
        """
        if options.embedding is None:
            raise ConfigError(f"identity: {REMEDY}")
        return cls(options.embedding)

    def prepare(self, faces: Sequence[ScoredFace]) -> ReadValues:
        """Embed the sharp faces; see ``snadnet.metrics.base.Metric``."""
        found = [largest_face(self._detector, face.sharp) for face in faces]
        embedded = [
            None if place is None else self._embedding(face.sharp, place)
            for face, place in zip(faces, found, strict=True)
        ]

        def read(restored: NDArray[np.uint8]) -> tuple[Values, ...]:
            similarities = [
                np.nan if true is None or sharp is None else float(self._embedding(face, true) @ sharp)
                for face, true, sharp in zip(restored, found, embedded, strict=True)
            ]
            return (np.array(similarities),)

        return read


def left_out(options: MetricOptions) -> str | None:
    """Return why identity is not measured unless asked for, with the remedy, in one line; None if it is."""
    return None if options.embedding is not None else f"identity: left out; {REMEDY}"


class _Embedding:
    """Unit vectors that are alike for images of one person."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise WeightsError(f"{path}: no such embedding; {REMEDY}")
        try:
            self._network = cv2.FaceRecognizerSF.create(str(path), "")
        except cv2.error as error:
            raise WeightsError(
                f"{path}: OpenCV cannot read it as a face-recognition network; fetch it again"
            ) from error

    def __call__(self, image: NDArray[np.uint8], face: Face) -> NDArray[np.float64]:
        """Return the embedding of a face in an image, uint8 RGB (H, W, 3)."""
        row = np.array([[*face.box, *face.landmarks.ravel(), face.confidence]], np.float32)
        crop = self._network.alignCrop(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), row)
        vector = self._network.feature(crop).astype(np.float64).ravel()
        return np.asarray(vector / max(float(np.linalg.norm(vector)), np.finfo(np.float64).tiny))
