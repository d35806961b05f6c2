"""The public class: a photo with blurred faces goes in, the photo with its faces restored comes out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snadnet.errors import ConfigError, PhotoError
from snadnet.faces import (
    CROP_SIZE,
    MIN_CONFIDENCE,
    TEMPLATE,
    Box,
    Face,
    FaceDetector,
    Patch,
    add_residual,
    check_strength,
    crop_face,
    face_matrix,
    measure_sharpness,
    paste_faces,
)
from snadnet.network import Device, RestorationNetwork
from snadnet.photo import Photo, photo_from_array, photo_from_image, read_photo, shown
from snadnet.weights import released_weights

MIN_FACE: Final = 24
"""Default of the smallest face that is restored: its box's shorter side in pixels."""

MAX_FACES: Final = 64
"""Most faces of one photo that are restored, the largest first."""

MIN_ALIGNED: Final = 64
"""Smallest shorter side in pixels of a picture that is itself a face crop."""

PhotoLike = str | Path | Image.Image | NDArray[Any] | Photo


@dataclass(frozen=True, eq=False)
class RestoredFace:
    """A face that was restored.

    Attributes:
        box: ``(x, y, width, height)`` in photo pixels; may reach over the border.
        landmarks: float32 ``(5, 2)`` in photo pixels, ordered as :data:`snadnet.faces.LANDMARK_NAMES`.
        confidence: The detector's score in [0, 1]; 1 where no detector was asked.
        parsing: uint8 ``(256, 256)``, the class ids (:mod:`snadnet.faces.classes`) of the canonical crop.
        sharpness_before: :func:`snadnet.faces.measure_sharpness` of the crop of the photo as it came.
        sharpness_after: The same of the crop of the result.
    """

    box: Box
    landmarks: NDArray[np.float32]
    confidence: float
    parsing: NDArray[np.uint8]
    sharpness_before: float
    sharpness_after: float


@dataclass(frozen=True)
class SkippedFace:
    """A face that was found and left as it is.

    Attributes:
        box: ``(x, y, width, height)`` in photo pixels.
        confidence: The detector's score in [0, 1].
        reason: Why, in a few words, such as ``"too small (18 px)"``.
    """

    box: Box
    confidence: float
    reason: str


@dataclass(frozen=True, eq=False)
class Restoration:
    """A restored photo and what was done to it.

    Attributes:
        photo: The result, with the original's size, transparency, profile and EXIF.
        original: The photo as it was read.
        faces: The restored faces from the largest to the smallest; empty where none was found.
        skipped: The faces that were found and not restored.
    """

    photo: Photo
    original: Photo
    faces: tuple[RestoredFace, ...]
    skipped: tuple[SkippedFace, ...]


class Deblurrer:
    """Deblurs the faces in photos. The result is an estimate, not evidence.

    One object serves any number of photos and may be shared between threads. On the CPU the same photo
    always gives the same result.

    Args:
        weights: An ONNX file made by ``snadnet export``; None takes the released weights.
        device: ``"cpu"``, ``"cuda"``, or ``"auto"`` for CUDA where it is there and the CPU elsewhere.
        min_confidence: Detections that score less are not faces, in [0, 1]. Lower finds more of the strongly
            blurred faces, and more things that are none.
        min_face: Smallest box, shorter side in photo pixels, that is restored.

    Raises:
        WeightsError: The weights are missing, damaged or of another network.
        ModelError: The device is unknown or not there.
        ConfigError: ``min_confidence`` or ``min_face`` is out of range.
    """

    def __init__(
        self,
        *,
        weights: str | Path | None = None,
        device: Device = "auto",
        min_confidence: float = MIN_CONFIDENCE,
        min_face: int = MIN_FACE,
    ) -> None:
        if min_face < 1:
            raise ConfigError(f"min_face {min_face} is out of range; choose at least 1 px")
        self.min_face = min_face
        self._detector = FaceDetector(min_confidence)
        self._network = RestorationNetwork(released_weights() if weights is None else Path(weights), device)

    @property
    def device(self) -> Device:
        """Where the network runs: ``"cpu"`` or ``"cuda"``."""
        return self._network.device

    def restore(self, photo: PhotoLike, *, strength: float = 1.0) -> Restoration:
        """Find the faces of a photo and restore each in place.

        Pixels that no face's mask reaches stay bit-identical. A face smaller than the network's 256 px crop
        is enlarged for it and gets back what its own pixels can hold.

        Args:
            photo: A path, a PIL image, an array (see :func:`snadnet.photo.photo_from_array`) or a Photo.
            strength: Part of the change that is applied, in [0, 1]; 0 returns the photo as it was.

        Raises:
            PhotoError: The photo cannot be read.
            ConfigError: ``strength`` is out of range.
        """
        check_strength(strength)
        original = _as_photo(photo)
        taken: list[Face] = []
        skipped: list[SkippedFace] = []
        for face in self._detector.detect(original.pixels):
            reason = self._reason_to_skip(face, len(taken))
            if reason is None:
                taken.append(self._detector.refine(original.pixels, face))
            else:
                skipped.append(SkippedFace(face.box, face.confidence, reason))

        matrices = [face_matrix(face.landmarks) for face in taken]
        patches, parsings, before = [], [], []
        # One at a time: memory stays that of one face, and no face's result depends on the others.
        for matrix in matrices:
            crop = crop_face(original.pixels, matrix)
            residual, probabilities = self._run(crop, grey=original.grey)
            patches.append(Patch(matrix, residual))
            parsings.append(probabilities.argmax(axis=2).astype(np.uint8))
            before.append(measure_sharpness(crop))
        pixels = paste_faces(original.pixels, patches, strength=strength)
        faces = tuple(
            RestoredFace(
                box=face.box,
                landmarks=face.landmarks,
                confidence=face.confidence,
                parsing=parsing,
                sharpness_before=sharp,
                sharpness_after=measure_sharpness(crop_face(pixels, matrix)),
            )
            for face, matrix, parsing, sharp in zip(taken, matrices, parsings, before, strict=True)
        )
        return Restoration(original.with_pixels(pixels), original, faces, tuple(skipped))

    def restore_aligned(self, photo: PhotoLike, *, strength: float = 1.0) -> Restoration:
        """Restore a picture that is itself a face crop, framed about as FFHQ does it; nothing is detected.

        The result has the picture's own size. Up to 256 px the network works at that size; a picture with a
        longer side is reduced to 256 px for it, and the residual is enlarged and added to the picture.

        Args:
            photo: As for :meth:`restore`; at least 64 px on its shorter side.
            strength: Part of the change that is applied, in [0, 1]; 0 returns the picture as it was.

        Returns:
            One face: its box is the picture, its landmarks are the template's places, its confidence is 1,
            and its parsing map is that of the whole picture, brought to 256 x 256.

        Raises:
            PhotoError: The photo cannot be read or is too small.
            ConfigError: ``strength`` is out of range.
        """
        check_strength(strength)
        original = _as_photo(photo)
        height, width = original.pixels.shape[:2]
        if min(height, width) < MIN_ALIGNED:
            name = shown(original.path) if original.path else "the photo"
            raise PhotoError(
                f"{name}: {width} x {height} px is too small for a face crop; give at least {MIN_ALIGNED} px"
            )
        crop = _working_size(original.pixels)
        residual, probabilities = self._run(crop, grey=original.grey)
        pixels = add_residual(original.pixels, residual, strength=strength)
        # Probabilities rather than ids are resized: between two ids lies no meaning.
        canonical = cv2.resize(probabilities, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_LINEAR)
        face = RestoredFace(
            box=(0.0, 0.0, float(width), float(height)),
            landmarks=TEMPLATE * np.array([width, height], np.float32) / np.float32(CROP_SIZE),
            confidence=1.0,
            parsing=canonical.argmax(axis=2).astype(np.uint8),
            sharpness_before=measure_sharpness(crop),
            sharpness_after=measure_sharpness(_working_size(pixels)),
        )
        return Restoration(original.with_pixels(pixels), original, (face,), ())

    def _reason_to_skip(self, face: Face, taken: int) -> str | None:
        if face.size < self.min_face:
            return f"too small ({int(face.size)} px)"
        return f"more than {MAX_FACES} faces" if taken >= MAX_FACES else None

    def _run(self, crop: NDArray[np.float32], *, grey: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The residual ``(H, W, 3)`` of a crop, the same for all channels if ``grey``, and its parsing."""
        restored, parsing = self._network(crop[None])
        residual = restored[0] - crop
        if grey:
            residual = np.repeat(residual.mean(axis=2, keepdims=True), 3, axis=2)
        return residual, parsing[0]


def _as_photo(photo: PhotoLike) -> Photo:
    if isinstance(photo, Photo):
        return photo
    if isinstance(photo, Image.Image):
        return photo_from_image(photo)
    if isinstance(photo, np.ndarray):
        return photo_from_array(photo)
    return read_photo(photo)


def _working_size(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The picture as float32 in [0, 1], reduced so that its longer side is 256 px at most."""
    height, width = pixels.shape[:2]
    scale = CROP_SIZE / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    return pixels.astype(np.float32) / np.float32(255)
