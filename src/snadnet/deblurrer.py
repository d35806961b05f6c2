"""The public class: a photo with blurred faces goes in, the photo with its faces deblurred comes out."""

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from snadnet.blur import kernel_extent, measure_consistency, point_if_unmoved
from snadnet.errors import ConfigError, PhotoError
from snadnet.faces import (
    CROP_SIZE,
    MAX_FACES,
    MIN_CONFIDENCE,
    MIN_FACE,
    TEMPLATE,
    AllFaces,
    EstimatedBlur,
    Face,
    FaceBox,
    FaceChoice,
    FaceDetector,
    FoundFace,
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
from snadnet.faces.manual_box import face_in_box
from snadnet.faces.warp import resize_pixels
from snadnet.image_arrays import Pixels, to_float
from snadnet.inference import Backend, Device, load_model, resolve_weights
from snadnet.photo import ColourBridge, Photo, printable
from snadnet.photo.inputs import PhotoLike, as_photo

BATCH_SIZE: Final = 8
"""Default of the most faces that go through the network at one time."""

ALL_FACES: Final = AllFaces()

MIN_ALIGNED: Final = 64
"""Smallest shorter side in pixels of an image that is itself a face crop."""

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


class Deblurrer:
    """Deblurs the faces in photos. The result is an estimate, not evidence.

    One object serves any number of photos and may be shared between threads. It works on in a forked process, and it
    can be pickled: it opens its network again where it arrives. On the CPU the same photo always gives the same bytes.

    Memory: the photo is held twice, as it came and restored, and each face of it takes about 0.9 MB. The network
    adds about 105 MB (the released one) for each crop that it works on at one time: on the CPU that is one for
    each core, on CUDA all of a batch, and never more than ``batch_size``. ``benchmarks/photo_memory.py`` prints what
    whole photos take with reading and writing: below 1 GB for 50 megapixels on two cores.

    Args:
        weights: ``"fidelity"`` for the released weights of least error, which None takes too, ``"natural"`` for those
            that draw what a sharp photo would look like, or a name or file for `snadnet.load_model`.
        device: ``"auto"`` for CUDA where it is there and the CPU elsewhere; or ``"cpu"``, ``"cuda"``, ``"openvino"``
            (of ``snadnet[openvino]``) or another that ``snadnet devices`` lists, which must be there.
        network: A network that is open already (`snadnet.load_model`, or your own
            `snadnet.inference.Backend`), in place of ``weights`` and ``device``.
        min_confidence: Detections that score less are not faces, in [0, 1]. Lower finds more of the strongly
            blurred faces, and more things that are none.
        min_face: Smallest box, shorter side in photo pixels, that is restored.
        max_faces: Most faces of one photo that are restored, the largest first.
        batch_size: Most faces of a photo that go through the network at one time. On the CPU the result is the
            same, byte for byte, with any.

    Raises:
        WeightsError: If the weights are missing, damaged or of another network.
        ModelError: If the network is a face parser, or the device is unknown or not there.
        ConfigError: If the weights need PyTorch, which is not installed; a number is out of range; or both a network
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
        source: dict[str, Any] = {"network": network}
        if network is None:
            path = resolve_weights(weights)
            network = load_model(path, device)
            # For pickling: a release is found by its name, a user's own file by its absolute path.
            own = weights is not None and path == Path(weights)
            source = {"weights": path.absolute() if own else weights, "device": device}
        elif weights is not None or device != "auto":
            raise ConfigError("an open network has its weights and device; give it alone, or weights and device")
        self._network = network
        self._made_of = source

    def __reduce__(self) -> tuple[Callable[[], "Deblurrer"], tuple[()]]:
        settings: dict[str, Any] = {name: getattr(self, name) for name in ("min_face", "max_faces", "batch_size")}
        settings["min_confidence"] = self._detector.min_confidence
        return functools.partial(type(self), **settings, **self._made_of), ()

    @property
    def device(self) -> Device:
        """Where the network runs, such as ``"cpu"``."""
        return self._network.device

    @property
    def detector(self) -> FaceDetector:
        """What finds the faces."""
        return self._detector

    @property
    def network(self) -> Backend:
        """What restores their crops."""
        return self._network

    def restore(self, photo: PhotoLike, *, strength: float = 1.0, choice: FaceChoice = ALL_FACES) -> Restoration:
        """Find the faces of a photo and restore each in place: `find_faces`, then `restore_faces`.

        Args:
            photo: A path, a photo file's bytes, such a file open for reading, a Pillow image, a Photo, or an array
                ``(H, W, 3)``, ``(H, W, 4)`` or ``(H, W)``, uint8, uint16 or floating point in [0, 1].
            strength: Part of the change that is applied, in [0, 1]; 0 returns the photo as it was.
            choice: Which faces to restore; those left out are among the skipped, as "not chosen".

        Raises:
            PhotoError: If the photo cannot be read, or is something else.
            ConfigError: If ``strength`` is out of range, or the photo has no face of the chosen number, or the box
                given lies outside it.
        """
        check_strength(strength)
        original = as_photo(photo)
        return self.restore_faces(original, self.find_faces(original, choice=choice), strength=strength)

    def find_faces(self, photo: PhotoLike, *, choice: FaceChoice = ALL_FACES) -> tuple[FoundFace, ...]:
        """Find the faces of a photo, and say which of them are to be restored and why the others are not.

        Args:
            photo: As for `restore`.
            choice: Which faces are wanted.

        Returns:
            All faces from the largest to the smallest. Those that are not to be restored have a ``reason``.

        Raises:
            PhotoError: If the photo cannot be read, or is something else.
            ConfigError: If the photo has no face of the chosen number, or the box given lies outside it.
        """
        taken, skipped = select_faces(
            self._detector, as_photo(photo), choice, min_face=self.min_face, max_faces=self.max_faces
        )
        found = [FoundFace(each.face.box, each.face.landmarks, each.face.confidence, each.number) for each in taken]
        found += [FoundFace(each.box, None, each.confidence, each.number, each.reason) for each in skipped]
        return tuple(sorted(found, key=lambda face: face.number))

    def restore_faces(
        self, photo: PhotoLike, faces: Iterable[FoundFace | FaceBox], *, strength: float = 1.0
    ) -> Restoration:
        """Restore faces of a photo in place.

        Pixels that no face's mask reaches stay bit-identical, whatever the photo's colour profile: only the faces'
        crops are brought to sRGB for the network, and what it changes is brought back. A face smaller than the
        network's 256 px crop is enlarged for it and gets back what its own pixels can hold. Each crop is cut from
        the photo as it came, so where faces overlap no order matters: both are restored, and their changes are
        averaged.

        Args:
            photo: As for `restore`.
            faces: Some or all of what `find_faces` gave, as it came or changed, or boxes given by hand. A face
                with a ``reason`` is left as it is and listed among the skipped; one without landmarks is looked for in
                its box.
            strength: Part of the change that is applied, in [0, 1]; 0 returns the photo as it was.

        Raises:
            PhotoError: If the photo cannot be read, or is something else.
            ConfigError: If ``strength`` is out of range, a box lies outside the photo, or landmarks are not 5 points.
        """
        check_strength(strength)
        original = as_photo(photo)
        known = [FoundFace(face.box) if isinstance(face, FaceBox) else face for face in faces]
        located = [(each, self._locate(original, each)) for each in known if each.reason is None]
        skipped = tuple(
            SkippedFace(each.box, each.confidence, each.reason, each.number)
            for each in known
            if each.reason is not None
        )
        matrices = [face_matrix(face.landmarks) for _, face in located]
        patches: list[Patch] = []
        parsings: list[NDArray[np.uint8] | None] = []
        blurs: list[EstimatedBlur | None] = []
        before: list[float] = []
        for start in range(0, len(matrices), self.batch_size):
            batch = matrices[start : start + self.batch_size]
            crops = np.stack([_cut(original, matrix) for matrix in batch])
            residuals, probabilities, explained = self._run(crops, original, batch)
            patches.extend(map(Patch, batch, residuals))
            parsings.extend(_class_ids(probabilities, len(batch)))
            blurs.extend(explained)
            before.extend(map(measure_sharpness, crops))
        faces_before = [
            RestoredFace(face.box, face.landmarks, face.confidence, parsing, sharp, sharp, each.number, blur)
            for (each, face), parsing, sharp, blur in zip(located, parsings, before, blurs, strict=True)
        ]
        return _pasted(original, patches, faces_before, skipped, strength)

    def restore_aligned(self, photo: PhotoLike, *, strength: float = 1.0) -> Restoration:
        """Restore an image that is itself a face crop, framed about as FFHQ does it; nothing is detected.

        The result has the image's own size. Up to 256 px the network works at that size; an image with a
        longer side is reduced to 256 px for it, and the residual is enlarged and added to the image.

        Args:
            photo: As for `restore`; at least 64 px on its shorter side.
            strength: Part of the change that is applied, in [0, 1]; 0 returns the image as it was.

        Returns:
            One face: its box is the whole image, its landmarks are the template's places, its confidence is 1,
            and its parsing map, if there is one, is that of the whole image, brought to 256 x 256.

        Raises:
            PhotoError: If the photo cannot be read, is something else, or is too small.
            ConfigError: If ``strength`` is out of range.
        """
        check_strength(strength)
        original = as_photo(photo)
        height, width = original.pixels.shape[:2]
        if min(height, width) < MIN_ALIGNED:
            name = printable(original.path) if original.path else "the photo"
            raise PhotoError(
                f"{name}: {width} x {height} px is too small for a face crop; give at least {MIN_ALIGNED} px"
            )
        crop = _working_size(original.pixels)
        reduced = np.diag([len(crop) / height, len(crop) / height, 1.0])[:2]
        residuals, probabilities, (blur,) = self._run(crop[None], original, [reduced])
        if probabilities is not None:
            # Probabilities rather than ids are resized: between two ids lies no meaning.
            canonical = cv2.resize(probabilities[0], (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_LINEAR)
            probabilities = canonical[None]
        (parsing,) = _class_ids(probabilities, 1)
        sharpness = measure_sharpness(crop)
        face = RestoredFace(
            box=(0.0, 0.0, float(width), float(height)),
            landmarks=TEMPLATE * np.array([width, height], np.float32) / np.float32(CROP_SIZE),
            confidence=1.0,
            parsing=parsing,
            sharpness_before=sharpness,
            sharpness_after=sharpness,
            blur=blur,
        )
        return _added(original, residuals[0], face, strength)

    def _locate(self, photo: Photo, face: FoundFace) -> Face:
        """The face with landmarks, which are looked for in its box if it has none."""
        if face.landmarks is None:
            located = face_in_box(self._detector, photo, FaceBox(*face.box))
            return Face(located.box, located.landmarks, face.confidence or located.confidence)
        landmarks = np.asarray(face.landmarks, np.float32)
        if landmarks.shape != TEMPLATE.shape or not np.isfinite(landmarks).all():
            raise ConfigError(f"the landmarks of a face are {landmarks.shape}; give 5 finite points, (5, 2), in pixels")
        return Face(face.box, landmarks, face.confidence)

    def _run(
        self, crops: NDArray[np.float32], photo: Photo, matrices: Sequence[NDArray[np.float64]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, list[EstimatedBlur | None]]:
        """The residuals ``(B, H, W, 3)`` of a photo's crops, in its own colours, with their parsing and blur, if any.

        The network sees sRGB. Of a grey photo the residual is the same for all channels. The matrices tell where the
        crops lie in the photo.
        """
        colours = ColourBridge(photo.icc_profile, grey=photo.grey)
        blurred = np.stack([colours.to_srgb(crop) for crop in crops])
        restored, parsing, kernels = self._network(blurred)
        if photo.grey:
            restored = blurred + (restored - blurred).mean(axis=3, keepdims=True)
        residuals = np.stack([colours.residual(*pair) for pair in zip(blurred, restored, strict=True)])
        if kernels is None:
            return residuals, parsing, [None] * len(crops)
        return residuals, parsing, list(map(_estimated_blur, kernels, restored, blurred, matrices))


def _estimated_blur(
    kernel: NDArray[np.float32],
    restored: NDArray[np.float32],
    blurred: NDArray[np.float32],
    matrix: NDArray[np.float64],
) -> EstimatedBlur:
    """The blur of a crop that a matrix cuts from the photo, in the photo's pixels."""
    # A similarity: its first column is the cosine and the sine of its turn, times its scale.
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    turn = math.degrees(math.atan2(matrix[1, 0], matrix[0, 0]))
    kernel = point_if_unmoved(kernel)
    length, angle = kernel_extent(kernel)
    consistency = measure_consistency(restored, blurred, kernel, spacing=round(scale))
    return EstimatedBlur(kernel, 1.0 + (length - 1.0) / scale, (angle + turn) % 180.0, consistency)


def _pasted(
    original: Photo,
    patches: Sequence[Patch],
    faces: Sequence[RestoredFace],
    skipped: tuple[SkippedFace, ...],
    strength: float,
) -> Restoration:
    """The photo with a part of the residuals of its faces' crops added; the faces come as they were before."""
    check_strength(strength)
    photo = original.with_pixels(paste_faces(original.pixels, patches, strength=strength))
    restored = tuple(
        replace(face, sharpness_after=measure_sharpness(_cut(photo, patch.matrix)))
        for face, patch in zip(faces, patches, strict=True)
    )
    return Restoration(
        photo, original, restored, skipped, functools.partial(_pasted, original, patches, faces, skipped)
    )


def _added(original: Photo, residual: NDArray[np.float32], face: RestoredFace, strength: float) -> Restoration:
    """A face crop with a part of its residual added; the face comes as it was before."""
    check_strength(strength)
    photo = original.with_pixels(add_residual(original.pixels, residual, strength=strength))
    restored = replace(face, sharpness_after=measure_sharpness(_working_size(photo.pixels)))
    return Restoration(photo, original, (restored,), (), functools.partial(_added, original, residual, face))


def _cut(photo: Photo, matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """A face's canonical crop, float32 RGB ``(256, 256, 3)`` in [0, 1]."""
    return crop_face(photo.pixels, matrix)


def _class_ids(probabilities: NDArray[np.float32] | None, count: int) -> Sequence[NDArray[np.uint8] | None]:
    """The classes of ``count`` crops, uint8 ``(H, W)`` each, or None for each where the network parses none."""
    return [None] * count if probabilities is None else list(probabilities.argmax(axis=3).astype(np.uint8))


def _working_size(pixels: Pixels) -> NDArray[np.float32]:
    """The image as float32 in [0, 1], reduced so that its longer side is 256 px at most."""
    height, width = pixels.shape[:2]
    scale = CROP_SIZE / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = resize_pixels(pixels, size, cv2.INTER_AREA)
    return to_float(pixels)
