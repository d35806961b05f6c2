"""EXIF: its description of the photo is kept, true to the upright image; its description of the file is not."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

# What the main EXIF directory says about the photo. The rest of it says how pixels are stored (a TIFF
# lists its own strips there), which would contradict the file that it is carried into.
_DESCRIPTIVE_TAGS: Final = frozenset(
    {
        ExifTags.Base.ImageDescription,
        ExifTags.Base.Make,
        ExifTags.Base.Model,
        ExifTags.Base.Orientation,
        ExifTags.Base.XResolution,
        ExifTags.Base.YResolution,
        ExifTags.Base.ResolutionUnit,
        ExifTags.Base.Software,
        ExifTags.Base.DateTime,
        ExifTags.Base.Artist,
        ExifTags.Base.HostComputer,
        ExifTags.Base.Copyright,
        ExifTags.Base.Rating,
        ExifTags.Base.RatingPercent,
        ExifTags.Base.XPTitle,
        ExifTags.Base.XPComment,
        ExifTags.Base.XPAuthor,
        ExifTags.Base.XPKeywords,
        ExifTags.Base.XPSubject,
    }
)
_DIRECTORIES: Final = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
# What is left of these is a place in the old file.
_POINTERS: Final = frozenset({*_DIRECTORIES, ExifTags.IFD.Interop})
# How a TIFF stores its pixels; no part of the directories of EXIF and GPS, and harmful when written as such.
_STORAGE_TAGS: Final = range(0xFE, 0x1000)
# EXIF has its own record of the size, which turning the image upright can swap.
_WIDTH_TAG: Final = 0xA002
_HEIGHT_TAG: Final = 0xA003
# Values of the tag ColorSpace. The standard knows sRGB and "uncalibrated"; some cameras write this for Adobe RGB.
_EXIF_SRGB: Final = 1
_EXIF_ADOBE_RGB: Final = 2
# The header before the first directory.
_HEADER_BYTES: Final = 8
# What each orientation asks for: mirrored, upside down, transposed, and so on.
_TURNS: Final[dict[int, Callable[[NDArray[Any]], NDArray[Any]]]] = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}
# Orientations that lay the image on its side.
_SIDEWAYS: Final = frozenset({5, 6, 7, 8})


def upright(image: Image.Image) -> Image.Image:
    """Return the loaded image turned as its EXIF orientation says; the same object if it is upright."""
    try:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
        return ImageOps.exif_transpose(image) if turned else image
    except Exception:  # noqa: BLE001 - broken EXIF raises nearly anything and says nothing about orientation
        return image


def orientation(image: Image.Image) -> int:
    """Return the image's EXIF orientation, 1 to 8; 1 where it has none, or one that says nothing."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - as above
        return 1
    return value if value in _TURNS else 1


def turned_upright(pixels: NDArray[Any], value: int) -> NDArray[Any]:
    """Return stored pixels (H, W, C) turned as an EXIF orientation says."""
    return np.ascontiguousarray(_TURNS[value](pixels))


def lies_sideways(image: Image.Image) -> bool:
    """Return whether turning the image upright swaps its width and height. Of a TIFF ask before loading it."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation) in _SIDEWAYS
    except Exception:  # noqa: BLE001 - as above
        return False


def says_adobe_rgb(image: Image.Image) -> bool:
    """Return whether EXIF says that the colours are Adobe RGB, as cameras do (DCF 2.0). Ask a TIFF before loading."""
    try:
        exif = image.getexif()
        details = exif.get_ifd(ExifTags.IFD.Exif) if ExifTags.IFD.Exif in exif else {}
        space = details.get(ExifTags.Base.ColorSpace)
        if space == _EXIF_ADOBE_RGB:
            return True
        index = exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex) if details else None
        return space != _EXIF_SRGB and str(index).rstrip("\0 ") == "R03"
    except Exception:  # noqa: BLE001 - as above
        return False


def clean_exif(image: Image.Image, upright_size: tuple[int, int], *, sideways: bool) -> tuple[bytes | None, bool]:
    """Return the EXIF that describes the photo, orientation reset, sizes true, thumbnail dropped.

    Args:
        image: The image; a TIFF not yet loaded.
        upright_size: Width and height of the upright image.
        sideways: Whether turning it upright swapped the two.

    Returns:
        EXIF bytes, or None if there is none; and False if some or all of it is damaged and left out, else True.
    """
    try:
        source = image.getexif()
        main: dict[int, Any] = {tag: source[tag] for tag in _DESCRIPTIVE_TAGS & set(source)}
        directories: dict[int, dict[int, Any]] = {
            tag: dict(source.get_ifd(tag)) for tag in _DIRECTORIES if tag in source
        }
        interoperability = source.get_ifd(ExifTags.IFD.Interop) if ExifTags.IFD.Exif in directories else {}
    except Exception:  # noqa: BLE001 - as above
        return None, False
    if not main and not any(directories.values()):
        return None, len(source) > 0 or not _says_something(image)
    if set(main) == {ExifTags.Base.Orientation} and not any(directories.values()):
        # It is upright now, and there is no more to say. Of a file without EXIF, Pillow takes it from XMP.
        return None, True
    if ExifTags.Base.Orientation in main:
        main[ExifTags.Base.Orientation] = 1
    if sideways:
        _swap(main, ExifTags.Base.XResolution, ExifTags.Base.YResolution)
    details = directories.get(ExifTags.IFD.Exif, {})
    details.update({tag: n for tag, n in zip((_WIDTH_TAG, _HEIGHT_TAG), upright_size, strict=True) if tag in details})
    for entries in directories.values():
        for tag in [tag for tag in entries if tag in _POINTERS or tag in _STORAGE_TAGS]:
            del entries[tag]
    if interoperability:
        details[ExifTags.IFD.Interop] = dict(interoperability)
    whole = _to_bytes(main, directories)
    if whole is not None:
        return whole, True
    sound_main = {tag: value for tag, value in main.items() if _to_bytes({tag: value}, {})}
    sound_directories = {
        directory: {tag: value for tag, value in entries.items() if _to_bytes({}, {directory: {tag: value}})}
        for directory, entries in directories.items()
    }
    return _to_bytes(sound_main, sound_directories), False


def _to_bytes(main: Mapping[int, Any], directories: Mapping[int, Mapping[int, Any]]) -> bytes | None:
    """The EXIF bytes; None if there is nothing to say or a value does not fit its tag."""
    if not main and not any(directories.values()):
        return None
    exif = Image.Exif()
    for tag, value in main.items():
        exif[tag] = value
    for tag, entries in directories.items():
        if entries:
            exif.get_ifd(tag).update(entries)
    try:
        return exif.tobytes()
    except Exception:  # noqa: BLE001 - as above
        return None


def _swap(entries: dict[int, Any], first: int, second: int) -> None:
    if first in entries and second in entries:
        entries[first], entries[second] = entries[second], entries[first]


def _says_something(image: Image.Image) -> bool:
    """Whether the file has EXIF bytes beyond a header and an empty directory."""
    data = image.info.get("exif", b"")
    if not isinstance(data, bytes):
        return True
    data = data.removeprefix(b"Exif\0\0")
    return len(data) in range(1, _HEADER_BYTES) or bool(data[_HEADER_BYTES:].strip(b"\0"))
