"""Landmark error of restored faces, and the share of faces that a detector still finds."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from snadnet.faces import Face, FaceDetector
from snadnet.faces.types import common_area
from snadnet.metrics.base import Measure, MetricOptions, ReadValues, ScoredFace, Values, averaged

LANDMARK_ERROR: Final = averaged("landmark_error_percent", "landmarks %", 2, higher_is_better=False)
FACES_FOUND: Final = averaged("found", "found", 3, higher_is_better=True)


class Landmarks:
    """Mean distance of five landmarks from the sharp face's, and the share of faces found.

    YuNet detects the restored and the sharp face. The error is the mean distance of the five points in percent
    of the distance between the sharp face's eyes; NaN where either face is not found.
    """

    measures: tuple[Measure, ...] = (LANDMARK_ERROR, FACES_FOUND)
    description = (
        "landmarks %: five points of YuNet on the restored against the sharp face, mean distance in percent of "
        "that between the eyes, over the faces found; found: their share of those found in the sharp faces"
    )

    def __init__(self) -> None:
        self._detector = FaceDetector()

    @classmethod
    def create(cls, options: MetricOptions) -> "Landmarks":
        """Return the metric, which needs none of the options."""
        del options
        return cls()

    def prepare(self, faces: Sequence[ScoredFace]) -> ReadValues:
        """Detect the sharp faces; see ``snadnet.metrics.base.Metric``."""
        found = [largest_face(self._detector, face.sharp) for face in faces]

        def read(restored: NDArray[np.uint8]) -> tuple[Values, ...]:
            errors = [_error(self._find(face, true), true) for face, true in zip(restored, found, strict=True)]
            seen = [
                np.nan if true is None else float(np.isfinite(error)) for error, true in zip(errors, found, strict=True)
            ]
            return (np.array(errors), np.array(seen))

        return read

    def _find(self, image: NDArray[np.uint8], true: Face | None) -> Face | None:
        """Return the face that lies where the sharp one was seen."""
        if true is None:
            return None
        places = [face for face in self._detector.detect(image) if common_area(face.box, true.box) > 0]
        return max(places, key=lambda face: common_area(face.box, true.box), default=None)


def largest_face(detector: FaceDetector, image: NDArray[np.uint8]) -> Face | None:
    """Return the largest face of an image, uint8 RGB (H, W, 3); None if none is found."""
    return max(detector.detect(image), key=lambda face: face.box[2] * face.box[3], default=None)


def _error(face: Face | None, true: Face | None) -> float:
    if face is None or true is None:
        return float("nan")
    distances = np.linalg.norm(face.landmarks - true.landmarks, axis=1)
    eyes = float(np.linalg.norm(true.landmarks[0] - true.landmarks[1]))
    return 100.0 * float(distances.mean()) / eyes if eyes else float("nan")
