"""Photos restored for the service: the same steps, words and bytes as the command's."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePath
from typing import Any, Final

import cv2
import numpy as np

from snadnet.batch.records import face_records, skipped_face_records
from snadnet.concurrency import StopSignal
from snadnet.deblurrer import Deblurrer
from snadnet.faces import AllFaces, FaceBox, FaceChoice, FoundFace, Restoration
from snadnet.photo import FORMATS, Limits, Photo, encode_photo, read_photo_bytes

PREVIEW_SIDE: Final = 2400
"""Longest side of what the page shows, in pixels; downloads have the photo's own size."""

_MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
    "AVIF": "image/avif",
}
_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tif", "BMP": ".bmp", "AVIF": ".avif"}


@dataclass(frozen=True)
class Options:
    """How a photo is to be restored; the words are the command's.

    Attributes:
        strength: Part of the restoration that is applied, in [0, 1].
        choice: Which faces.
        aligned: The photo is itself a face crop.
        strip_metadata: Leave out all that a file says besides its pixels.
    """

    strength: float = 1.0
    choice: FaceChoice = field(default_factory=AllFaces)
    aligned: bool = False
    strip_metadata: bool = False


@dataclass(frozen=True)
class EncodedPhoto:
    """A file in memory: its bytes, media type and name."""

    data: bytes
    media_type: str
    name: str


def restore_bytes(
    data: bytes, name: str, *, deblurrer: Deblurrer, options: Options, limits: Limits, stop: StopSignal
) -> Restoration:
    """Restore a photo from its file's bytes.

    Raises:
        PhotoError: If it cannot be read, or is over a limit.
        ConfigError: If an option does not fit the photo.
    """
    photo = read_photo_bytes(data, name=name, limits=limits)
    stop.check()
    if options.aligned:
        return deblurrer.restore_aligned(photo, strength=options.strength)
    return deblurrer.restore(photo, strength=options.strength, choice=options.choice)


def encoded(photo: Photo, name: str, *, strip_metadata: bool) -> EncodedPhoto:
    """A photo as a file, in its own format; what is read but not written, such as HEIC, becomes PNG."""
    kept = photo.without_metadata() if strip_metadata else photo
    format_name = photo.format if photo.format in FORMATS else "PNG"
    stem = PurePath(name).stem or "photo"
    data = encode_photo(kept, format_name, name=name)
    return EncodedPhoto(data, _MEDIA_TYPES[format_name], f"{stem}_deblurred{_SUFFIXES[format_name]}")


def preview(photo: Photo) -> EncodedPhoto:
    """A JPEG or, of a photo with transparency, a PNG for the page: sRGB, its longer side 2,400 px at most."""
    plain = photo.with_bits(8).without_metadata()
    height, width = plain.pixels.shape[:2]
    scale = PREVIEW_SIDE / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels, alpha = (
            None if plane is None else np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)
            for plane in (plain.pixels, plain.alpha)
        )
        assert pixels is not None
        plain = replace(plain, pixels=pixels, alpha=alpha)
    format_name = "JPEG" if photo.alpha is None else "PNG"
    data = encode_photo(replace(plain, jpeg=None), format_name)
    return EncodedPhoto(data, _MEDIA_TYPES[format_name], f"preview{_SUFFIXES[format_name]}")


def zipped(files: Sequence[EncodedPhoto]) -> bytes:
    """All files in one archive, stored as they are; equal names are told apart by a number."""
    buffer = io.BytesIO()
    taken: set[str] = set()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            path, number, name = PurePath(file.name), 1, file.name
            while name.lower() in taken:
                number += 1
                name = f"{path.stem}_{number}{path.suffix}"
            taken.add(name.lower())
            archive.writestr(name, file.data)
    return buffer.getvalue()


def restore_chosen(
    deblurrer: Deblurrer, photo: Photo, faces: Sequence[FoundFace], boxes: Sequence[FaceBox], *, stop: StopSignal
) -> Restoration:
    """Restore faces that were found, and others in boxes drawn by hand, at full strength."""
    stop.check()
    return deblurrer.restore_faces(photo, [*faces, *boxes])


def as_document(restoration: Restoration) -> dict[str, Any]:
    """The faces and what was done, for JSON."""
    return {
        "summary": restoration.summary,
        "width": restoration.photo.pixels.shape[1],
        "height": restoration.photo.pixels.shape[0],
        "faces": [asdict(face) for face in face_records(restoration)],
        "skipped_faces": [asdict(face) for face in skipped_face_records(restoration)],
        "notes": list(restoration.photo.notes),
    }
