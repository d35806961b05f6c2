"""Writing a photo: through a temporary file in the same folder, so an output is complete or not there."""

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from PIL import Image, PngImagePlugin

from snadnet.errors import OutputExistsError, PhotoError
from snadnet.files import write_atomically
from snadnet.image_arrays import Pixels
from snadnet.photo.colour import srgb_pixels
from snadnet.photo.deep_writing import DEEPEST, encode_avif, encode_png, encode_tiff
from snadnet.photo.formats import FORMATS, FORMATS_IN_WORDS, SUFFIXES, printable
from snadnet.photo.types import BYTE_BITS, Photo

# Pillow writes BMP transparency, but reads it back as padding, as most programs do.
_OPAQUE_FORMATS: Final = frozenset({"JPEG", "BMP"})

# What each format can hold besides pixels.
_WITH_PROFILE: Final = frozenset(FORMATS) - {"BMP"}
_WITH_EXIF: Final = _WITH_PROFILE
_WITH_XMP: Final = _WITH_PROFILE
_WITH_IPTC: Final = frozenset({"JPEG", "TIFF"})
_WITH_DPI: Final = frozenset({"JPEG", "PNG", "TIFF", "BMP"})
# A grey profile needs a grey file.
_WITHOUT_GREY: Final = frozenset({"WEBP"})
_WITHOUT_GREY_ALPHA: Final = frozenset({"WEBP", "AVIF"})

# The largest payload of one JPEG marker segment; Pillow refuses EXIF above it.
_JPEG_MAX_BYTES: Final = 65533
_JPEG_XMP_HEADER: Final = b"http://ns.adobe.com/xap/1.0/\0"
_IPTC_TAG: Final = 33723
_XMP_TAG: Final = 700
_COMMENT: Final = "Comment"
_MODES: Final = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def write_photo(photo: Photo, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a photo in the format that the file name's ending says, completely or not at all.

    Args:
        photo: What to write; see `encode_photo` for what is kept.
        path: The output; its ending (in any letter case) is one of `SUFFIXES`. Its folder is made if need be.
        overwrite: Replace an existing file.

    Raises:
        OutputExistsError: If ``path`` exists and ``overwrite`` is false.
        PhotoError: If the ending is unknown, the format cannot hold the photo, or the file cannot be written.
    """
    path = Path(path)
    name = printable(path)
    format_name = SUFFIXES.get(path.suffix.lower())
    if format_name is None:
        raise PhotoError(f"{name}: unknown photo format; end the name with one of {', '.join(SUFFIXES)}")
    # Asked before the work too: encoding takes longer than looking.
    _check_place(path, overwrite=overwrite)
    write_bytes(encode_photo(photo, format_name, name=name), path, overwrite=overwrite)


def encode_photo(photo: Photo, format_name: str, *, name: str = "the photo") -> bytes:
    """Return the bytes of the file that `write_photo` writes.

    The colour profile, EXIF, XMP, IPTC, texts, resolution and transparency are kept where the format can hold them,
    and `encoding_notes` lists what is not. PNG and TIFF hold up to 16 bits a channel, AVIF up to 12. A JPEG made from
    a JPEG is compressed with the same quantisation tables and subsampling, any other at quality 95, 4:4:4. Where the
    format cannot hold the profile, pixels become sRGB.

    Args:
        photo: What to encode.
        format_name: One of `FORMATS`.
        name: What errors call the photo.

    Raises:
        PhotoError: If the format is unknown or cannot hold the photo.
    """
    if format_name not in FORMATS:
        raise PhotoError(f"{name}: unknown photo format {printable(format_name)}; choose {FORMATS_IN_WORDS}")
    if photo.alpha is not None and format_name in _OPAQUE_FORMATS:
        raise PhotoError(f"{name}: {format_name} cannot hold the photo's transparency; choose PNG")
    photo, _ = _fitted(photo, format_name)
    try:
        return _encoded(photo, format_name, _CODING[format_name](photo))
    except Exception as error:
        raise PhotoError(f"{name}: {format_name} cannot hold this photo ({_first_line(error)}); choose PNG") from error


def encoding_notes(photo: Photo, format_name: str) -> tuple[str, ...]:
    """Return plain words about what `encode_photo` changes or leaves out, such as "JPEG cannot hold its texts"."""
    coding: tuple[str, ...] = ()
    if format_name == "JPEG":
        coding = () if photo.jpeg else ("JPEG quality 95, 4:4:4",)
    elif format_name == "AVIF" or (format_name == "WEBP" and not photo.lossless):
        coding = (f"{format_name} quality 95",)
    return (*coding, *_fitted(photo, format_name)[1])


def write_bytes(data: bytes, path: str | Path, *, overwrite: bool) -> None:
    """Write a file completely or not at all.

    Args:
        data: Its content.
        path: The file. Its folder is made if need be.
        overwrite: Replace an existing file.

    Raises:
        OutputExistsError: If ``path`` exists and ``overwrite`` is false.
        PhotoError: If the file cannot be written.
    """
    path = Path(path)
    _check_place(path, overwrite=overwrite)
    try:
        write_atomically(path, data)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "input/output error"
        raise PhotoError(
            f"{printable(path)}: cannot be written ({reason}); check the folder, its permissions and the free space"
        ) from error


def _check_place(path: Path, *, overwrite: bool) -> None:
    # Unlike pathlib's, these tests answer "no" for a path that cannot even be looked up; writing says why.
    if os.path.isdir(path):  # noqa: PTH112
        raise PhotoError(f"{printable(path)}: is a folder; give a file name")
    if os.path.lexists(path) and not overwrite:
        raise OutputExistsError(f"{printable(path)}: exists already; choose another name or pass --overwrite")


def _fitted(photo: Photo, format_name: str) -> tuple[Photo, tuple[str, ...]]:
    """The photo with only what the format can hold, and notes about the rest."""
    too_long = _JPEG_MAX_BYTES if format_name == "JPEG" else float("inf")
    notes = []
    most = DEEPEST.get(format_name, BYTE_BITS)
    if photo.bits > most:
        notes.append(f"{format_name} cannot hold its {photo.bits} bits a channel: they became {most}")
        photo = photo.with_bits(most)
    holds_profile = format_name in _WITH_PROFILE and not _becomes_colour(photo, format_name)
    if photo.icc_profile and not holds_profile:
        pixels = srgb_pixels(photo.pixels, grey=photo.grey, icc_profile=photo.icc_profile)
        notes.append(f"{format_name} cannot hold its colour profile: the colours became sRGB")
        photo = replace(photo, pixels=pixels, icc_profile=None)
    if photo.exif and (format_name not in _WITH_EXIF or len(photo.exif) > too_long):
        photo = replace(photo, exif=None)
        notes.append(f"{format_name} cannot hold its EXIF")
    if photo.xmp and (format_name not in _WITH_XMP or len(_JPEG_XMP_HEADER) + len(photo.xmp) > too_long):
        photo = replace(photo, xmp=None)
        notes.append(f"{format_name} cannot hold its XMP")
    if photo.iptc and (format_name not in _WITH_IPTC or len(_photoshop_segment(photo.iptc)) > too_long):
        photo = replace(photo, iptc=None)
        notes.append(f"{format_name} cannot hold its IPTC record")
    if photo.dpi and format_name not in _WITH_DPI:
        photo = replace(photo, dpi=None)
        notes.append(f"{format_name} cannot hold its resolution")
    texts = photo.texts if format_name == "PNG" else ()
    if format_name == "JPEG":
        comments = (text for text in photo.texts if text.keyword == _COMMENT)
        texts = tuple(text for text in comments if 0 < len(text.value.encode()) <= too_long)[:1]
    if len(texts) < len(photo.texts):
        notes.append(f"{format_name} cannot hold {'all of ' if texts else ''}its texts")
        photo = replace(photo, texts=texts)
    return photo, tuple(notes)


def _becomes_colour(photo: Photo, format_name: str) -> bool:
    """Whether the photo is grey, and the format holds such a one in colour only."""
    transparent = photo.alpha is not None
    return photo.grey and (format_name in _WITHOUT_GREY or (transparent and format_name in _WITHOUT_GREY_ALPHA))


def _encoded(photo: Photo, format_name: str, options: dict[str, Any]) -> bytes:
    colours: Pixels = photo.pixels
    if photo.grey and not _becomes_colour(photo, format_name):
        # Grey pixels as they are, and of others their luma.
        colours = cv2.cvtColor(photo.pixels, cv2.COLOR_RGB2GRAY)[..., None].astype(colours.dtype, copy=False)
    values = colours if photo.alpha is None else np.dstack([colours, photo.alpha])
    if photo.bits > BYTE_BITS:
        deep = np.ascontiguousarray(values, np.uint16)
        if format_name == "AVIF":
            return encode_avif(deep, photo.bits, options)
        return (encode_png if format_name == "PNG" else encode_tiff)(deep, options)
    encoded = io.BytesIO()
    image = Image.fromarray(values.squeeze(axis=2) if values.shape[2] == 1 else values, _MODES[values.shape[2]])
    image.save(encoded, format=format_name, **options)
    return encoded.getvalue()


def _described(photo: Photo) -> dict[str, Any]:
    """Pillow's options for what most formats hold."""
    options = {"icc_profile": photo.icc_profile, "exif": photo.exif, "xmp": photo.xmp, "dpi": photo.dpi}
    return {name: value for name, value in options.items() if value}


def _jpeg_options(photo: Photo) -> dict[str, Any]:
    options = _described(photo) | {"optimize": True}
    if photo.jpeg is None:
        options |= {"quality": 95, "subsampling": 0}
    else:
        options |= {"qtables": [list(table) for table in photo.jpeg.tables], "subsampling": photo.jpeg.subsampling}
    if photo.iptc:
        segment = _photoshop_segment(photo.iptc)
        options["extra"] = b"\xff\xed" + (len(segment) + 2).to_bytes(2) + segment
    if photo.texts:
        options["comment"] = photo.texts[0].value.encode()
    return options


def _photoshop_segment(iptc: bytes) -> bytes:
    """The payload of the JPEG segment in which Photoshop keeps the IPTC record, block 0x0404 without a name."""
    return b"Photoshop 3.0\x008BIM\x04\x04\0\0" + len(iptc).to_bytes(4) + iptc + b"\0" * (len(iptc) % 2)


def _png_options(photo: Photo) -> dict[str, Any]:
    chunks = PngImagePlugin.PngInfo()
    for text in photo.texts:
        if text.language or text.translated:
            chunks.add_itxt(text.keyword, text.value, text.language, text.translated)
        else:
            chunks.add_text(text.keyword, text.value)
    if photo.xmp:
        chunks.add_itxt("XML:com.adobe.xmp", photo.xmp)
    return _described(photo) | {"pnginfo": chunks}


def _webp_options(photo: Photo) -> dict[str, Any]:
    # "exact" keeps the colours below full transparency.
    return _described(photo) | {"lossless": photo.lossless, "quality": 95, "exact": True}


def _avif_options(photo: Photo) -> dict[str, Any]:
    # Pillow would write a grey image with colour channels in any other subsampling.
    grey = photo.grey and photo.alpha is None
    return _described(photo) | {"quality": 95, "subsampling": "4:0:0" if grey else "4:4:4"}


def _tiff_options(photo: Photo) -> dict[str, Any]:
    options = _described(photo)
    exif = Image.Exif()
    if photo.exif:
        exif.load(photo.exif)
    for tag, value in ((_XMP_TAG, photo.xmp), (_IPTC_TAG, photo.iptc)):
        if value:
            exif[tag] = value
    # libtiff, which compresses, cannot write EXIF's directories, and refuses the whole image for one odd value.
    # Samples of 16 bits hardly repeat: compressed they are as large.
    compressed = photo.bits == BYTE_BITS and not photo.exif
    return options | ({"exif": exif} if exif else {}) | ({"compression": "tiff_lzw"} if compressed else {})


_CODING: Final[dict[str, Callable[[Photo], dict[str, Any]]]] = {
    "JPEG": _jpeg_options,
    "PNG": _png_options,
    "WEBP": _webp_options,
    "TIFF": _tiff_options,
    # Without a resolution Pillow would make one up.
    "BMP": lambda photo: {"dpi": photo.dpi or (0, 0)},
    "AVIF": _avif_options,
}


def _first_line(error: Exception) -> str:
    return printable((str(error) or type(error).__name__).partition("\n")[0])
