"""Writing a photo: through a temporary file in the same folder, so an output is complete or not there."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from PIL import Image

from snadnet.errors import OutputExistsError, PhotoError
from snadnet.files import write_atomically
from snadnet.photo.types import SUFFIXES, Photo, shown

_LOSSLESS_FORMATS: Final = frozenset({"PNG", "TIFF", "BMP"})
# Pillow writes BMP transparency, but reads it back as padding, as most programs do.
_OPAQUE_FORMATS: Final = frozenset({"JPEG", "BMP"})

# The largest payload of one JPEG marker segment; Pillow refuses EXIF above it.
_JPEG_MAX_EXIF_BYTES: Final = 65533


def write_photo(photo: Photo, path: str | Path, *, overwrite: bool = False) -> None:
    """Writes a photo in the format that the file name's ending says, completely or not at all.

    The colour profile, EXIF and transparency are kept where the format can hold them. A JPEG made from a JPEG
    is compressed with the same quantisation tables and subsampling, any other at quality 95, 4:4:4.

    Args:
        photo: what to write.
        path: the output; its ending (in any letter case) is one of `SUFFIXES`. Its folder is made if need be.
        overwrite: replace an existing file.

    Raises:
        OutputExistsError: ``path`` exists and ``overwrite`` is false.
        PhotoError: the ending is unknown, the format cannot hold the photo, or the file cannot be written.
    """
    path = Path(path)
    name = shown(path)
    format_name = SUFFIXES.get(path.suffix.lower())
    if format_name is None:
        raise PhotoError(f"{name}: unknown photo format; end the name with one of {', '.join(SUFFIXES)}")
    if photo.alpha is not None and format_name in _OPAQUE_FORMATS:
        raise PhotoError(f"{name}: {format_name} cannot hold the photo's transparency; choose PNG")
    # Unlike pathlib's, these tests answer "no" for a path that cannot even be looked up; writing says why.
    if os.path.isdir(path):  # noqa: PTH112
        raise PhotoError(f"{name}: is a folder; give a file name")
    if os.path.lexists(path) and not overwrite:
        raise OutputExistsError(f"{name}: exists already; choose another name or pass --overwrite")
    # Encoded in memory first: a picture that the format refuses never touches the disk.
    encoded = io.BytesIO()
    try:
        _to_image(photo, format_name).save(encoded, format=format_name, **_save_options(photo, format_name))
    except Exception as error:
        raise PhotoError(f"{name}: {format_name} cannot hold this photo ({_first_line(error)}); choose PNG") from error
    try:
        write_atomically(path, encoded.getvalue())
    except OSError as error:
        raise PhotoError(
            f"{name}: cannot be written ({error.strerror or 'input/output error'}); check the folder,"
            " its permissions and the free space"
        ) from error


def _to_image(photo: Photo, format_name: str) -> Image.Image:
    image = Image.fromarray(photo.pixels)
    if photo.grey:
        image = image.convert("L")
    if photo.alpha is not None:
        # Only PNG and TIFF have grey with transparency.
        if photo.grey and format_name not in {"PNG", "TIFF"}:
            image = image.convert("RGB")
        image.putalpha(Image.fromarray(photo.alpha))
    return image


def _save_options(photo: Photo, format_name: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if format_name != "BMP":
        # A grey profile needs a grey file, which WebP and AVIF don't have.
        if photo.icc_profile and not (photo.grey and format_name in {"WEBP", "AVIF"}):
            options["icc_profile"] = photo.icc_profile
        if photo.exif and not (format_name == "JPEG" and len(photo.exif) > _JPEG_MAX_EXIF_BYTES):
            options["exif"] = photo.exif
    return options | _CODING[format_name](photo)


def _jpeg_options(photo: Photo) -> dict[str, Any]:
    if photo.jpeg is None:
        return {"quality": 95, "subsampling": 0, "optimize": True}
    tables = [list(table) for table in photo.jpeg.tables]
    return {"qtables": tables, "subsampling": photo.jpeg.subsampling, "optimize": True}


def _webp_options(photo: Photo) -> dict[str, Any]:
    # "exact" keeps the colours below full transparency.
    return {"lossless": photo.format in _LOSSLESS_FORMATS, "quality": 95, "exact": True}


_CODING: Final[dict[str, Callable[[Photo], dict[str, Any]]]] = {
    "JPEG": _jpeg_options,
    "PNG": lambda _photo: {},
    "WEBP": _webp_options,
    # libtiff, which compresses, cannot write the EXIF directories inside a TIFF; Pillow's plain writer can.
    "TIFF": lambda photo: {} if photo.exif else {"compression": "tiff_lzw"},
    "BMP": lambda _photo: {},
    "AVIF": lambda _photo: {"quality": 95, "subsampling": "4:4:4"},
}


def _first_line(error: Exception) -> str:
    return shown((str(error) or type(error).__name__).partition("\n")[0])
