"""Image formats that snadnet neither reads nor writes, by the endings of their files' names."""

from pathlib import Path
from typing import Final

from snadnet.photo import SUFFIXES, printable
from snadnet.photo.formats import HEIC_SUFFIXES

_RAW: Final = (
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw .rw2 .rwl .sr2"
    " .srf .srw .x3f"
)
_NAMED: Final = 5

UNREADABLE_FORMATS: Final = {
    **dict.fromkeys(_RAW.split(), "camera raw"),
    ".gif": "GIF",
    ".jxl": "JPEG XL",
    ".jp2": "JPEG 2000",
    ".j2k": "JPEG 2000",
    ".jxr": "JPEG XR",
    ".psd": "Photoshop",
    ".xcf": "GIMP",
}
"""Endings (lower case, with their dot) of photos that are not read, and their formats."""

_UNWRITABLE: Final = {
    **UNREADABLE_FORMATS,
    **dict.fromkeys(HEIC_SUFFIXES, "HEIC"),
    ".eps": "EPS",
    ".ico": "ICO",
    ".pdf": "PDF",
    ".svg": "SVG",
    ".tga": "TGA",
}


def unwritable_format(path: Path) -> str | None:
    """The format that an output's name asks for although it cannot be written; None if there is no such fault."""
    return None if path.suffix.lower() in SUFFIXES else _UNWRITABLE.get(path.suffix.lower())


def unreadable_format(path: Path) -> str | None:
    """The format of a photo that cannot be read, by its name; None if it is no such photo."""
    return UNREADABLE_FORMATS.get(path.suffix.lower())


def unreadable_in_words(paths: list[Path]) -> str:
    """One line that counts and names photos of formats that are not read, with the remedy."""
    named = ", ".join(printable(path) for path in paths[:_NAMED])
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    photos = "1 photo" if len(paths) == 1 else f"{len(paths)} photos"
    formats = ", ".join(sorted({UNREADABLE_FORMATS[path.suffix.lower()] for path in paths}))
    return f"{photos} left out in formats that are not read ({formats}): {named}{more}; convert to JPEG, PNG or TIFF"
