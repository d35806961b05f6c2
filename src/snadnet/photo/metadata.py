"""Metadata: EXIF, XMP, IPTC, texts, resolution, colour profile and JPEG coding.

Metadata never stands between a person and a readable photo: what is broken or too large is left out, and a note
says so. Pillow's ``info`` is a dictionary that a PNG's texts may fill with any key, so every type is checked.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from PIL import Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from snadnet.photo.colour import profile_space
from snadnet.photo.exif import clean_exif, lies_sideways, says_adobe_rgb
from snadnet.photo.limits import MAX_METADATA_BYTES
from snadnet.photo.types import JpegCoding, Text
from snadnet.photo.xmp import clean_xmp, has_second_part, without_appended

APPENDED_NOTE: Final = "what is appended to it (such as a gain map or a video) is left out"
"""The note about images or a video in the same file behind the photo."""

_ORIENTATION_TAG: Final = 274
_IPTC_TAG: Final = 33723
_X_RESOLUTION_TAG: Final = 282
# Photoshop's number of the block that holds the IPTC record.
_IPTC_BLOCK: Final = 0x0404
_MAX_DPI: Final = 65535
_MAX_KEYWORD: Final = 79
# PNG texts that are not for reading: XMP and EXIF, which are read as such, and ImageMagick's copies of profiles.
_XMP_KEYWORD: Final = "XML:com.adobe.xmp"
_PROFILE_KEYWORDS: Final = "Raw profile type "
# Pillow's names of what is no text; a text of that name in a PNG takes the place of the true value.
_NO_TEXTS: Final = ("bbox", "default_image", "exif", "icc_profile", "interlace", "transparency", "xmp")


@dataclass(frozen=True)
class Metadata:
    """Metadata that is kept; the fields are those of `snadnet.photo.Photo`."""

    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    texts: tuple[Text, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class BeforeLoading:
    """Facts that can only be asked of an image that is not loaded yet: a TIFF is turned upright while loading."""

    jpeg: JpegCoding | None
    tiff: Metadata | None
    adobe_rgb: bool = False


def has_impostors(image: Image.Image) -> bool:
    """Return whether texts of a PNG replace what says how its pixels are stored. Ask before and after loading."""
    return isinstance(image, PngImagePlugin.PngImageFile) and any(
        isinstance(image.info.get(name), str) for name in _NO_TEXTS
    )


def look_before_loading(image: Image.Image) -> BeforeLoading:
    """Return what loading would lose."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return BeforeLoading(jpeg=_jpeg_coding(image), tiff=None)
    sideways = lies_sideways(image)
    # The size that Pillow gives is that of the upright image, as far as EXIF and not XMP says what is upright.
    width, height = image.size if _ORIENTATION_TAG in image.tag_v2 or not sideways else image.size[::-1]
    metadata = _read(image, (width, height), sideways=sideways)
    return BeforeLoading(jpeg=None, tiff=metadata, adobe_rgb=says_adobe_rgb(image))


def read_metadata(image: Image.Image, upright_size: tuple[int, int], before: BeforeLoading) -> Metadata:
    """Return the metadata of a loaded image's file, true to the upright image."""
    return before.tiff or _read(image, upright_size, sideways=lies_sideways(image))


def fitting_profile(image: Image.Image, *, grey: bool) -> tuple[bytes | None, tuple[str, ...]]:
    """Return the colour profile if it fits the colours, and notes about one that does not."""
    profile = image.info.get("icc_profile")
    if not profile:
        return None, ()
    if not isinstance(profile, bytes) or len(profile) > MAX_METADATA_BYTES:
        return None, ("its colour profile is too large or damaged and is left out",)
    space = profile_space(profile)
    if space == ("GRAY" if grey else "RGB "):
        return profile, ()
    return None, ("its colour profile is damaged or of another kind of colours and is left out",)


def _jpeg_coding(image: Image.Image) -> JpegCoding | None:
    """How an RGB or grey JPEG was compressed; None for any other image."""
    if not isinstance(image, JpegImagePlugin.JpegImageFile) or image.mode not in {"RGB", "L"}:
        return None
    tables: dict[int, list[int]] = image.quantization
    if sorted(tables) != list(range(len(tables))) or not tables:
        return None
    # An unusual layout (-1) becomes 4:4:4, which holds any of them.
    return JpegCoding(
        tables=tuple(tuple(tables[number]) for number in range(len(tables))),
        subsampling=max(0, JpegImagePlugin.get_sampling(image)),
    )


def _read(image: Image.Image, upright_size: tuple[int, int], *, sideways: bool) -> Metadata:
    exif, exif_notes = _exif(image, upright_size, sideways=sideways)
    xmp, xmp_notes = _xmp(image, upright_size)
    iptc, iptc_notes = _iptc(image)
    texts, text_notes = _texts(image)
    notes = (*exif_notes, *xmp_notes, *iptc_notes, *text_notes)
    return Metadata(exif=exif, dpi=_dpi(image, sideways), xmp=xmp, iptc=iptc, texts=texts, notes=notes)


def _exif(image: Image.Image, upright_size: tuple[int, int], *, sideways: bool) -> tuple[bytes | None, tuple[str, ...]]:
    data = image.info.get("exif", b"")
    too_large = ("its EXIF is too large and is left out",)
    if isinstance(data, bytes) and len(data) > MAX_METADATA_BYTES:
        return None, too_large
    exif, whole = clean_exif(image, upright_size, sideways=sideways)
    # Small entries may overlap, and grow when they are written one by one.
    if exif is not None and len(exif) > MAX_METADATA_BYTES:
        return None, too_large
    if whole:
        return exif, ()
    return exif, ("its EXIF is damaged and is left out" if exif is None else "a part of its EXIF is damaged",)


def _xmp(image: Image.Image, upright_size: tuple[int, int]) -> tuple[bytes | None, tuple[str, ...]]:
    packet = image.info.get("xmp") or image.info.get(_XMP_KEYWORD)
    if isinstance(packet, str):
        packet = packet.encode("utf-8", "replace")
    if not packet:
        return None, ()
    if not isinstance(packet, bytes):
        return None, ("its XMP is damaged and is left out",)
    if len(packet) > MAX_METADATA_BYTES:
        return None, ("its XMP is too large and is left out",)
    rest, claimed = without_appended(packet)
    notes = (APPENDED_NOTE,) if claimed else ()
    if rest is None:
        return None, notes
    if has_second_part(rest):
        notes = (*notes, "the second part of its XMP is left out")
    cleaned = clean_xmp(rest, upright_size)
    return cleaned, notes if cleaned else (*notes, "its XMP is damaged and is left out")


def _iptc(image: Image.Image) -> tuple[bytes | None, tuple[str, ...]]:
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        record = image.tag_v2.get(_IPTC_TAG)
    else:
        blocks = image.info.get("photoshop")
        record = blocks.get(_IPTC_BLOCK) if isinstance(blocks, dict) else None
    # Some programs wrote it to TIFF as numbers of four bytes, in whichever order.
    if not record or not isinstance(record, bytes):
        return None, ()
    if len(record) > MAX_METADATA_BYTES:
        return None, ("its IPTC record is too large and is left out",)
    return record, ()


def _texts(image: Image.Image) -> tuple[tuple[Text, ...], tuple[str, ...]]:
    if isinstance(image, PngImagePlugin.PngImageFile):
        found: Iterable[Text] = [_png_text(keyword, value) for keyword, value in image.text.items()]
    else:
        comment = image.info.get("comment")
        found = [Text("Comment", _decoded(comment))] if comment and isinstance(comment, bytes) else []
    kept: list[Text] = []
    left = MAX_METADATA_BYTES
    lost = False
    for text in found:
        if text.keyword == _XMP_KEYWORD:
            continue
        size = sum(len(part.encode("utf-8", "replace")) for part in (text.keyword, text.value, text.translated))
        if size > left or not _is_sound(text):
            # EXIF, as ImageMagick writes it, is read as such.
            lost = lost or text.keyword != f"{_PROFILE_KEYWORDS}exif"
        else:
            left -= size
            kept.append(text)
    return tuple(kept), ("some of its texts are damaged or too large and are left out",) if lost else ()


def _png_text(keyword: str, value: str | PngImagePlugin.iTXt) -> Text:
    text = Text(keyword, str(value))
    if isinstance(value, PngImagePlugin.iTXt):
        return replace(text, language=str(value.lang or ""), translated=str(value.tkey or ""))
    return text


def _decoded(comment: bytes) -> str:
    comment = comment.rstrip(b"\0")
    try:
        return comment.decode("utf-8")
    except UnicodeDecodeError:
        return comment.decode("latin-1")


def _is_sound(text: Text) -> bool:
    """Whether a PNG can hold it, and it is not a profile in disguise."""
    try:
        keyword = text.keyword.encode("latin-1")
        text.language.encode("ascii")
    except UnicodeEncodeError:
        return False
    parts = (text.keyword, text.value, text.language, text.translated)
    return (
        1 <= len(keyword) <= _MAX_KEYWORD
        and not any("\0" in part for part in parts)
        and not text.keyword.startswith(_PROFILE_KEYWORDS)
    )


def _dpi(image: Image.Image, sideways: bool) -> tuple[float, float] | None:
    # Where a file says nothing, Pillow makes up a resolution: for a JPEG from its EXIF, for a TIFF from nothing.
    if isinstance(image, JpegImagePlugin.JpegImageFile) and image.info.get("jfif_unit") not in {1, 2}:
        return None
    if isinstance(image, TiffImagePlugin.TiffImageFile) and _X_RESOLUTION_TAG not in image.tag_v2:
        return None
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
    if not all(math.isfinite(value) and 1 <= value <= _MAX_DPI for value in (across, down)):
        return None
    return (down, across) if sideways else (across, down)
