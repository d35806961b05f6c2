"""Identity: how far a restored face lies from the sharp one in the space of a face-recognition network.

It measures whether a restored face still resembles the true one, as distances; it is not for finding out who somebody
is, and says of no two faces that they are the same person.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from snadnet.errors import ConfigError, WeightsError
from snadnet.faces import Face, FaceDetector
from snadnet.files import find_package_file, sha256_of
from snadnet.metrics.base import Choice, Measure, MetricOptions, ReadValues, ScoredFace, Values, averaged
from snadnet.metrics.landmarks import largest_face

INSTALL: Final = "run: pip install 'snadnet[identity]'"

_MODELS: Final = "face_recognition_models"
_LANDMARKS_FILE: Final = "models/shape_predictor_5_face_landmarks.dat"
_NETWORK_FILE: Final = "models/dlib_face_recognition_resnet_model_v1.dat"
_SFACE_SIDE: Final = 112  # of the crops of ``FaceRecognizerSF``
_ROWS: Final = 1000  # of the table of distances, at a time

Vector = NDArray[np.float64]

EmbedImage = Callable[[NDArray[np.uint8]], Vector]
"""An image, uint8 RGB (H, W, 3) -> the vector, (D,), of the face at one place of it."""


class Embedding(Protocol):
    """A face-recognition network: vectors that lie near each other for photos of one person.

    Attributes:
        near: The distance below which its authors take two photos for one person's.
        size: How many numbers a vector has, D.
        description: What it is, with its checksum.
    """

    near: float
    size: int
    description: str

    def at(self, sharp: NDArray[np.uint8], face: Face) -> "EmbedImage":
        """Return what embeds images at the place of a face that was found in its sharp image, uint8 RGB (H, W, 3)."""


class DlibEmbedding:
    """dlib's ResNet of 128 numbers, on chips of 150 px that dlib itself cuts by five landmarks (King 2017).

    dlib's landmarks start from the lower square of YuNet's box, as they were trained for boxes from brows to chin.

    Raises:
        ConfigError: If dlib or the package with its network is not installed.
    """

    near = 0.6
    size = 128

    def __init__(self) -> None:
        landmarks, network = _dlib_file(_LANDMARKS_FILE), _dlib_file(_NETWORK_FILE)
        if landmarks is None or network is None:
            raise ConfigError(f"identity: needs dlib and its face-recognition network, not installed; {INSTALL}")
        import dlib  # noqa: PLC0415 (optional dependency)

        self._dlib: Any = dlib
        self._predictor = dlib.shape_predictor(str(landmarks))
        self._network = dlib.face_recognition_model_v1(str(network))
        self.description = f"{network.name} (sha256 {sha256_of(network)[:16]}) on dlib {dlib.__version__}"

    def at(self, sharp: NDArray[np.uint8], face: Face) -> EmbedImage:
        """Find dlib's landmarks in the sharp image; see ``Embedding``."""
        left, top, width, height = face.box
        corners = (left, top + height - width, left + width, top + height)
        box = self._dlib.rectangle(*(round(each) for each in corners))
        landmarks = self._predictor(np.ascontiguousarray(sharp), box)

        def embed(image: NDArray[np.uint8]) -> Vector:
            chip = self._dlib.get_face_chip(np.ascontiguousarray(image), landmarks)
            return np.array(self._network.compute_face_descriptor(chip), np.float64)

        return embed


class SFaceEmbedding:
    """SFace or another network for OpenCV's ``FaceRecognizerSF``, as unit vectors.

    Args:
        path: The network (.onnx).

    Raises:
        WeightsError: If the file is missing or unusable.
    """

    near = 1.128  # OpenCV's, of unit vectors

    def __init__(self, path: Path) -> None:
        remedy = "such as face_recognition_sface_2021dec.onnx of https://github.com/opencv/opencv_zoo (Apache 2.0)"
        if not path.is_file():
            raise WeightsError(f"{path}: no such embedding; give the path of a face-recognition network, {remedy}")
        try:
            self._network = cv2.FaceRecognizerSF.create(str(path), "")
        except cv2.error as error:
            raise WeightsError(
                f"{path}: OpenCV cannot read it as a face-recognition network; take one {remedy}"
            ) from error
        self.size = int(self._network.feature(np.zeros((_SFACE_SIDE, _SFACE_SIDE, 3), np.uint8)).size)
        self.description = f"{path.name} (sha256 {sha256_of(path)[:16]})"

    def at(self, sharp: NDArray[np.uint8], face: Face) -> EmbedImage:
        """Take YuNet's landmarks of the sharp image; see ``Embedding``."""
        del sharp
        row = np.array([[*face.box, *face.landmarks.ravel(), face.confidence]], np.float32)

        def embed(image: NDArray[np.uint8]) -> Vector:
            crop = self._network.alignCrop(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), row)
            vector = self._network.feature(crop).astype(np.float64).ravel()
            return np.asarray(vector / max(float(np.linalg.norm(vector)), np.finfo(np.float64).tiny))

        return embed


class Identity:
    """Distance of a restored face to its sharp one, and to the other faces of the test set.

    Both images of a face are cut at the place found in the sharp one, so that the face is judged and not the detector.
    There is no value where the sharp face is not found.

    Args:
        embedding: The face-recognition network.

    Attributes:
        measures: The median distance to the own sharp face; the share of faces nearer to it than the network's
            authors take for one person; the share that lies nearest to its own among all sharp faces of the test set
            (rank-1); and the median over the faces of the median distance to the sharp faces of others.
    """

    def __init__(self, embedding: Embedding) -> None:
        self._detector = FaceDetector()
        self._embedding = embedding
        self.measures: tuple[Measure, ...] = (
            _median("identity_distance", "identity distance", own_distances, higher_is_better=False),
            replace(
                averaged("identity_near", f"nearer than {embedding.near:g}", 3, higher_is_better=True),
                of_all=lambda pairs: _where(own_distances(pairs), own_distances(pairs) < embedding.near),
            ),
            replace(averaged("identity_rank_1", "rank-1", 3, higher_is_better=True), of_all=nearest_to_own),
            _median("identity_others", "to others", distances_to_others, higher_is_better=True),
        )
        self.description = (
            f"identity distance, nearer than {embedding.near:g}, rank-1, to others: {embedding.description}; Euclidean "
            "distance to the own sharp face (median, share of faces), share nearest to its own among the sharp faces "
            "of the test set, and median distance to those of others. Distances, not verdicts: of no two faces is it "
            "said that they are one person's"
        )

    @classmethod
    def create(cls, options: MetricOptions) -> "Identity":
        """Return the metric of ``options.embedding``, or of dlib's network.

        Raises:
            ConfigError: If there is no path, and dlib or its network is not installed.
            WeightsError: If a file is missing or unusable.
        """
        return cls(DlibEmbedding() if options.embedding is None else SFaceEmbedding(options.embedding))

    def prepare(self, faces: Sequence[ScoredFace]) -> ReadValues:
        """Embed the sharp faces; see ``snadnet.metrics.base.Metric``."""
        found = [largest_face(self._detector, face.sharp) for face in faces]
        embedders = [
            None if place is None else self._embedding.at(face.sharp, place)
            for face, place in zip(faces, found, strict=True)
        ]
        embedded = [_embed(each, face.sharp) for each, face in zip(embedders, faces, strict=True)]

        def read(restored: NDArray[np.uint8]) -> tuple[Values, ...]:
            own = [_embed(each, face) for each, face in zip(embedders, restored, strict=True)]
            return (_pairs(own, embedded, self._embedding.size),) * len(self.measures)

        return read


def left_out(options: MetricOptions) -> str | None:
    """Return why identity is not measured unless asked for, with the remedy, in one line; None if it is."""
    if options.embedding is not None or all(map(_dlib_file, (_LANDMARKS_FILE, _NETWORK_FILE))):
        return None
    return f"identity: left out; {INSTALL}"


def own_distances(pairs: Values) -> Vector:
    """Return the distance of each restored face to its own sharp one, (N,).

    Args:
        pairs: (N, 2, D): vectors of the restored and of the sharp faces, NaN where there are none.
    """
    return np.asarray(np.linalg.norm(pairs[:, 0] - pairs[:, 1], axis=1))


def nearest_to_own(pairs: Values) -> Vector:
    """Return 1 where no other sharp face is as near to a restored one as its own, else 0, (N,); see `own_distances`.

    NaN where there is no vector, and everywhere if there is no other face.
    """
    return _with_others(pairs, lambda own, others: np.asarray(own < others.min(axis=1), np.float64))


def distances_to_others(pairs: Values) -> Vector:
    """Return the median distance of each restored face to the sharp ones of others, (N,); see `nearest_to_own`."""
    return _with_others(pairs, lambda _, others: np.asarray(np.median(others, axis=1)))


def _with_others(pairs: Values, value: Callable[[Vector, Vector], Vector]) -> Vector:
    """Return ``value`` of the distances of each face to its own sharp one, (n,), and to those of others, (n, K - 1)."""
    result = np.full(len(pairs), np.nan)
    known = np.flatnonzero(np.isfinite(pairs).all(axis=(1, 2)))
    if len(known) < 2:  # noqa: PLR2004 (no other face)
        return result
    restored, sharp = pairs[known, 0], pairs[known, 1]
    for start in range(0, len(known), _ROWS):
        rows = np.arange(start, min(start + _ROWS, len(known)))
        squares = (restored[rows] ** 2).sum(axis=1)[:, None] + (sharp**2).sum(axis=1) - 2 * restored[rows] @ sharp.T
        table = np.sqrt(squares.clip(min=0))
        others = table[np.arange(len(known)) != rows[:, None]].reshape(len(rows), -1)
        result[known[rows]] = value(table[np.arange(len(rows)), rows], others)
    return result


def _median(key: str, title: str, of_all: Callable[[Values], Values], *, higher_is_better: bool) -> Measure:
    def summary(values: Values, chosen: Choice) -> float:
        return float(np.median(values[chosen]))

    return replace(averaged(key, title, 3, higher_is_better=higher_is_better), summary=summary, of_all=of_all)


def _where(numbers: Vector, true: NDArray[np.bool_]) -> Vector:
    """Return 1 and 0 for true and false, and NaN where the numbers are."""
    return np.where(np.isnan(numbers), np.nan, true)


def _embed(embedder: EmbedImage | None, image: NDArray[np.uint8]) -> Vector | None:
    return None if embedder is None else embedder(image)


def _pairs(restored: Sequence[Vector | None], sharp: Sequence[Vector | None], size: int) -> Vector:
    nothing = np.full(size, np.nan)
    rows = zip(restored, sharp, strict=True)
    return np.array([[nothing if each is None else each for each in row] for row in rows])


def _dlib_file(name: str) -> Path | None:
    """Return a file of dlib's models, whose package is not imported (its code wants ``pkg_resources``)."""
    return None if find_spec("dlib") is None else find_package_file(_MODELS, name)
