"""The public class: a photo with blurred faces goes in, the photo with its faces deblurred comes out."""

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from snadnet.concurrency import CorePool
from snadnet.crop_restorer import CropRestorer, reduced_to
from snadnet.errors import ConfigError, PhotoError
from snadnet.faces import (
    CROP_SIZE,
    LARGE_CROP_SIZE,
    MAX_FACES,
    MIN_CONFIDENCE,
    MIN_FACE,
    TEMPLATE,
    AllFaces,
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
from snadnet.faces.defaults import Light
from snadnet.faces.manual_box import face_in_box
from snadnet.inference import (
    Backend,
    Device,
    load_model,
    resolve_weights,
    weights_for_large_faces,
    with_effort,
    with_light,
)
from snadnet.photo import Photo, printable
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

    Memory: the photo is held twice, as it came and restored, and each face of it takes about 0.9 MB, a large one 3 MB.
    The network adds about 50 MB (the released one) for each crop that it works on at one time, and 120 MB for one of
    512 px: on the CPU that is one for each core, on CUDA all of a batch, and never more than ``batch_size``.
    ``benchmarks/photo_memory.py`` prints what whole photos take with reading and writing.

    Args:
        weights: ``"fidelity"`` for the released weights of least error, which None takes too, ``"natural"`` for those
            that draw what a sharp photo would look like, or a name or file for `snadnet.load_model`.
        device: ``"auto"`` for CUDA where it is there and the CPU elsewhere; or ``"cpu"``, ``"cuda"``, ``"openvino"``
            (of ``snadnet[openvino]``) or another that ``snadnet devices`` lists, which must be there.
        network: A network that is open already (`snadnet.load_model`, or your own
            `snadnet.inference.Backend`), in place of ``weights`` and ``device``.
        large_weights: The network for faces whose crop takes 384 px of the photo or more, by a name or file; they are
            restored in crops of 512 px then. None takes that of the release, if it has one, as ``"fidelity"`` does.
        max_crop: Largest crop in pixels: under 512, large faces go through a crop of 256 px as all others do, which
            takes half of the time.
        effort: 2 goes one pass further, by the release that does so, and comes a little nearer the truth in half as
            long again; 3 also restores each face's mirror image and averages both, in three times the time. Other
            weights, large faces and open networks are averaged so with 2.
        light: What a face's blur is taken for: ``"linear"`` for one of light, as cameras blur, ``"srgb"`` for one of
            the file's values, as programs mostly do, and ``"auto"`` for whichever explains the face better: faces
            that have moved are restored both ways then, and both results mixed. With ``"auto"`` clips are restored by
            their values.
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
        large_weights: str | Path | None = None,
        max_crop: int = LARGE_CROP_SIZE,
        effort: int = 1,
        light: str = Light.AUTO,
        min_confidence: float = MIN_CONFIDENCE,
        min_face: int = MIN_FACE,
        max_faces: int = MAX_FACES,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        for name, value, least in (
            ("min_face", min_face, 1),
            ("max_faces", max_faces, 1),
            ("batch_size", batch_size, 1),
            ("max_crop", max_crop, CROP_SIZE),
        ):
            if not value >= least:  # NaN fails this too
                raise ConfigError(f"{name} {value} is out of range; choose at least {least}")
        self.min_face = min_face
        self.max_faces = max_faces
        self.batch_size = batch_size
        self.max_crop = max_crop
        self.effort = effort
        self.light = light
        self._detector = FaceDetector(min_confidence)
        if network is not None and (weights is not None or device != "auto"):
            raise ConfigError("an open network has its weights and device; give it alone, or weights and device")
        source: dict[str, Any] = {"network": network}
        large: str | Path | None = None
        if network is not None:
            network = with_effort(network, effort)
        else:
            path = resolve_weights(weights)
            network = load_model(path, device, effort)
            source = {"weights": _lasting(weights, path), "device": device}
            # By its name: its files are not looked at before a large face comes.
            large = weights_for_large_faces(path)
        if large_weights is not None:
            large = resolve_weights(large_weights)
            source["large_weights"] = _lasting(large_weights, large)
        open_large = None
        if large is not None and max_crop >= LARGE_CROP_SIZE:
            open_large = functools.partial(_open, large, network.device, effort, light)
        self._network = with_light(network, light)
        self._restorer = CropRestorer(self._network, open_large, batch_size)
        self._made_of = source

    def __reduce__(self) -> tuple[Callable[[], "Deblurrer"], tuple[()]]:
        names = ("min_face", "max_faces", "batch_size", "max_crop", "effort", "light")
        settings: dict[str, Any] = {name: getattr(self, name) for name in names}
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

        The networks that they need begin to open.

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
            self._detector,
            as_photo(photo),
            choice,
            min_face=self.min_face,
            max_faces=self.max_faces,
            expect=self._restorer.expect,
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
        network's crop is enlarged for it and gets back what its own pixels can hold. Each crop is cut from
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
        crops = self._restorer.restore(original, [face.landmarks for _, face in located])
        faces_before = []
        for (each, face), crop in zip(located, crops, strict=True):
            faces_before.append(
                RestoredFace(
                    box=face.box,
                    landmarks=face.landmarks,
                    confidence=face.confidence,
                    parsing=crop.parsing,
                    sharpness_before=crop.sharpness,
                    sharpness_after=crop.sharpness,
                    number=each.number,
                    blur=crop.blur,
                )
            )
        return _pasted(original, [crop.patch for crop in crops], faces_before, skipped, strength)

    def restore_aligned(self, photo: PhotoLike, *, strength: float = 1.0) -> Restoration:
        """Restore an image that is itself a face crop, framed about as FFHQ does it; nothing is detected.

        The result has the image's own size. Up to 256 px the network works at that size. An image with a longer side
        is reduced to 256 px for it, or one of 384 px and more to 512 px for the network for large faces, if there is
        one; the residual is enlarged and added to the image.

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
        crop = self._restorer.restore_whole(original)
        face = RestoredFace(
            box=(0.0, 0.0, float(width), float(height)),
            landmarks=TEMPLATE * np.array([width, height], np.float32) / np.float32(CROP_SIZE),
            confidence=1.0,
            parsing=crop.parsing,
            sharpness_before=crop.sharpness,
            sharpness_after=crop.sharpness,
            blur=crop.blur,
        )
        return _added(original, crop.patch.residual, face, strength)

    def _locate(self, photo: Photo, face: FoundFace) -> Face:
        """The face with landmarks, which are looked for in its box if it has none."""
        if face.landmarks is None:
            located = face_in_box(self._detector, photo, FaceBox(*face.box))
            return Face(located.box, located.landmarks, face.confidence or located.confidence)
        landmarks = np.asarray(face.landmarks, np.float32)
        if landmarks.shape != TEMPLATE.shape or not np.isfinite(landmarks).all():
            raise ConfigError(f"the landmarks of a face are {landmarks.shape}; give 5 finite points, (5, 2), in pixels")
        return Face(face.box, landmarks, face.confidence)


def _open(name_or_path: str | Path, device: Device, effort: int, light: str) -> Backend:
    return with_light(load_model(name_or_path, device, effort), light)


def _lasting(asked: str | Path | None, path: Path) -> str | Path | None:
    """Weights by what finds them again wherever a pickled object arrives: a release's name, a file's absolute path."""
    return path.absolute() if asked is not None and path == Path(asked) else asked


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

    def after(face: RestoredFace) -> RestoredFace:
        crop = crop_face(photo.pixels, face_matrix(face.landmarks))
        return replace(face, sharpness_after=measure_sharpness(crop))

    restored = tuple(CorePool("snadnet-sharpness").map(after, faces))
    return Restoration(
        photo, original, restored, skipped, functools.partial(_pasted, original, patches, faces, skipped)
    )


def _added(original: Photo, residual: NDArray[np.float32], face: RestoredFace, strength: float) -> Restoration:
    """A face crop with a part of its residual added; the face comes as it was before."""
    check_strength(strength)
    photo = original.with_pixels(add_residual(original.pixels, residual, strength=strength))
    restored = replace(face, sharpness_after=measure_sharpness(reduced_to(photo.pixels, CROP_SIZE)))
    return Restoration(photo, original, (restored,), (), functools.partial(_added, original, residual, face))
