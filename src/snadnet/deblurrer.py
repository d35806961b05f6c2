"""The public class: a photo with blurred faces goes in, the photo with its faces restored comes out."""

from collections.abc import Sequence
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
    AllFaces,
    FaceChoice,
    FaceDetector,
    Patch,
    Restoration,
    RestoredFace,
    SkippedFace,
    add_residual,
    check_strength,
    crop_face,
    face_matrix,
    measure_sharpness,
    paste_faces,
    select_faces,
)
from snadnet.inference import Backend, Device, load_model
from snadnet.photo import ColourBridge, Photo, photo_from_array, photo_from_image, printable, read_photo

MIN_FACE: Final = 24
"""Default of the smallest face that is restored: its box's shorter side in pixels."""

MAX_FACES: Final = 64
"""Default of the most faces of one photo that are restored, the largest first."""

BATCH_SIZE: Final = 8
"""Default of the most faces that go through the network at one time."""

ALL_FACES: Final = AllFaces()

MIN_ALIGNED: Final = 64
"""Smallest shorter side in pixels of a picture that is itself a face crop."""

__all__ = [
    "BATCH_SIZE",
    "MAX_FACES",
    "MIN_ALIGNED",
    "MIN_FACE",
    "Deblurrer",
    "PhotoLike",
    "Restoration",
    "RestoredFace",
    "SkippedFace",
]

PhotoLike = str | Path | Image.Image | NDArray[Any] | Photo


class Deblurrer:
    """Deblurs the faces in photos. The result is an estimate, not evidence.

    One object serves any number of photos and may be shared between threads. On the CPU the same photo
    always gives the same bytes.

    Memory: the photo is held twice, as it came and restored, and each face of it takes about 0.9 MB. The network
    adds about 90 MB (the released one) for each crop that it works on at one time: on the CPU that is one for
    each core, on CUDA all of a batch, and never more than ``batch_size``. ``benchmarks/photo_memory.py`` prints what
    whole photos take with reading and writing: below 1.3 GB for 50 megapixels.

    Args:
        weights: ``"fidelity"`` for the released weights of least error, which None takes too, ``"natural"`` for those
            that draw what a sharp photo would look like, or a name or file for :func:`snadnet.inference.load_model`.
        device: ``"cpu"``, ``"cuda"``, or ``"auto"`` for CUDA where it is there and the CPU elsewhere.
        network: A network that is open already (:func:`snadnet.inference.load_model`, or your own
            :class:`~snadnet.inference.Backend`), in place of ``weights`` and ``device``.
        min_confidence: Detections that score less are not faces, in [0, 1]. Lower finds more of the strongly
            blurred faces, and more things that are none.
        min_face: Smallest box, shorter side in photo pixels, that is restored.
        max_faces: Most faces of one photo that are restored, the largest first.
        batch_size: Most faces of a photo that go through the network at one time. On the CPU the result is the
            same, byte for byte, with any.

    Raises:
        WeightsError: The weights are missing, damaged or of another network.
        ModelError: The network is a face parser, or the device is unknown or not there.
        ConfigError: The weights need PyTorch, which is not installed; a number is out of range; or both a network
            and its weights or device are given.
    """

    def __init__(
        self,
        *,
        weights: str | Path | None = None,
        device: Device = "auto",
        network: Backend | None = None,
        min_confidence: float = MIN_CONFIDENCE,
        min_face: int = MIN_FACE,
        max_faces: int = MAX_FACES,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        for name, value, least in (
            ("min_face", min_face, "1 px"),
            ("max_faces", max_faces, "1"),
            ("batch_size", batch_size, "1"),
        ):
            if not value >= 1:  # NaN fails this too
                raise ConfigError(f"{name} {value} is out of range; choose at least {least}")
        self.min_face = min_face
        self.max_faces = max_faces
        self.batch_size = batch_size
        self._detector = FaceDetector(min_confidence)
        if network is None:
            network = load_model(weights, device)
        elif weights is not None or device != "auto":
            raise ConfigError("an open network has its weights and device; give it alone, or weights and device")
        self._network = network

    @property
    def device(self) -> Device:
        """Where the network runs: ``"cpu"`` or ``"cuda"``."""
        return self._network.device

    def restore(self, photo: PhotoLike, *, strength: float = 1.0, choice: FaceChoice = ALL_FACES) -> Restoration:
        """Find the faces of a photo and restore each in place.

        Pixels that no face's mask reaches stay bit-identical, whatever the photo's colour profile: only the faces'
        crops are brought to sRGB for the network, and what it changes is brought back. A face smaller than the
        network's 256 px crop is enlarged for it and gets back what its own pixels can hold. Each crop is cut from
        the photo as it came, so where faces overlap no order matters: both are restored, and their changes are
        averaged.

        Args:
            photo: A path, a PIL image, an array (see :func:`snadnet.photo.photo_from_array`) or a Photo.
            strength: Part of the change that is applied, in [0, 1]; 0 returns the photo as it was.
            choice: Which faces to restore; those left out are among the skipped, as "not chosen".

        Raises:
            PhotoError: The photo cannot be read.
            ConfigError: ``strength`` is out of range, or the photo has no face of the chosen number, or the box
                given lies outside it.
        """
        check_strength(strength)
        original = _as_photo(photo)
        taken, skipped = select_faces(
            self._detector, original, choice, min_face=self.min_face, max_faces=self.max_faces
        )
        matrices = [face_matrix(each.face.landmarks) for each in taken]
        patches: list[Patch] = []
        parsings: list[NDArray[np.uint8] | None] = []
        before: list[float] = []
        for start in range(0, len(matrices), self.batch_size):
            batch = matrices[start : start + self.batch_size]
            crops = np.stack([_cut(original, matrix) for matrix in batch])
            residuals, probabilities = self._run(crops, original)
            patches.extend(map(Patch, batch, residuals))
            parsings.extend(_class_ids(probabilities, len(batch)))
            before.extend(map(measure_sharpness, crops))
        result = _apply(original, patches, strength)
        faces = tuple(
            RestoredFace(
                box=each.face.box,
                landmarks=each.face.landmarks,
                confidence=each.face.confidence,
                parsing=parsing,
                sharpness_before=sharp,
                sharpness_after=measure_sharpness(_cut(result, matrix)),
                number=each.number,
            )
            for each, matrix, parsing, sharp in zip(taken, matrices, parsings, before, strict=True)
        )
        return Restoration(result, original, faces, tuple(skipped))

    def restore_aligned(self, photo: PhotoLike, *, strength: float = 1.0) -> Restoration:
        """Restore a picture that is itself a face crop, framed about as FFHQ does it; nothing is detected.

        The result has the picture's own size. Up to 256 px the network works at that size; a picture with a
        longer side is reduced to 256 px for it, and the residual is enlarged and added to the picture.

        Args:
            photo: As for :meth:`restore`; at least 64 px on its shorter side.
            strength: Part of the change that is applied, in [0, 1]; 0 returns the picture as it was.

        Returns:
            One face: its box is the picture, its landmarks are the template's places, its confidence is 1,
            and its parsing map, if there is one, is that of the whole picture, brought to 256 x 256.

        Raises:
            PhotoError: The photo cannot be read or is too small.
            ConfigError: ``strength`` is out of range.
        """
        check_strength(strength)
        original = _as_photo(photo)
        height, width = original.pixels.shape[:2]
        if min(height, width) < MIN_ALIGNED:
            name = printable(original.path) if original.path else "the photo"
            raise PhotoError(
                f"{name}: {width} x {height} px is too small for a face crop; give at least {MIN_ALIGNED} px"
            )
        crop = _working_size(original.pixels)
        residuals, probabilities = self._run(crop[None], original)
        pixels = add_residual(original.pixels, residuals[0], strength=strength)
        if probabilities is not None:
            # Probabilities rather than ids are resized: between two ids lies no meaning.
            canonical = cv2.resize(probabilities[0], (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_LINEAR)
            probabilities = canonical[None]
        (parsing,) = _class_ids(probabilities, 1)
        face = RestoredFace(
            box=(0.0, 0.0, float(width), float(height)),
            landmarks=TEMPLATE * np.array([width, height], np.float32) / np.float32(CROP_SIZE),
            confidence=1.0,
            parsing=parsing,
            sharpness_before=measure_sharpness(crop),
            sharpness_after=measure_sharpness(_working_size(pixels)),
        )
        return Restoration(original.with_pixels(pixels), original, (face,), ())

    def _run(self, crops: NDArray[np.float32], photo: Photo) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """The residuals ``(B, H, W, 3)`` of a photo's crops, in its own colours, and the crops' parsing, if any.

        The network sees sRGB. Of a grey photo the residual is the same for all channels.
        """
        colours = ColourBridge(photo.icc_profile, grey=photo.grey)
        blurred = np.stack([colours.to_srgb(crop) for crop in crops])
        restored, parsing = self._network(blurred)
        if photo.grey:
            restored = blurred + (restored - blurred).mean(axis=3, keepdims=True)
        return np.stack([colours.residual(*pair) for pair in zip(blurred, restored, strict=True)]), parsing


# The only two places where the pixels of a photo with faces are read for the network and written after it.


def _cut(photo: Photo, matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """A face's canonical crop, float32 RGB ``(256, 256, 3)`` in [0, 1]."""
    return crop_face(photo.pixels, matrix)


def _apply(photo: Photo, patches: Sequence[Patch], strength: float) -> Photo:
    """The photo with the residuals of crops added."""
    return photo.with_pixels(paste_faces(photo.pixels, patches, strength=strength))


def _class_ids(probabilities: NDArray[np.float32] | None, count: int) -> Sequence[NDArray[np.uint8] | None]:
    """The classes of ``count`` crops, uint8 ``(H, W)`` each, or None for each where the network parses none."""
    return [None] * count if probabilities is None else list(probabilities.argmax(axis=3).astype(np.uint8))


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
