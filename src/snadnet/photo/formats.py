"""The formats that a photo comes in, the endings of its file's name, and how that name is shown. Loads no decoder."""

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Final

HEIC_SUFFIXES: Final = (".heic", ".heif")
"""File name endings (lower case) of HEIC photos."""


def heic_is_read() -> bool:
    """Return whether the extra is installed."""
    return find_spec("pillow_heif") is not None


_HAS_AVIF: Final = find_spec("PIL._avif") is not None
FORMATS: Final[tuple[str, ...]] = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", *(("AVIF",) if _HAS_AVIF else ()))
"""Pillow's names of the formats that are read and written; no other decoder is ever tried."""

SUFFIXES: Final[dict[str, str]] = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    **({".avif": "AVIF"} if _HAS_AVIF else {}),
}
"""File name endings (lower case) that name a photo, and the format each is written in."""

INPUT_SUFFIXES: Final = frozenset(SUFFIXES) | (frozenset(HEIC_SUFFIXES) if heic_is_read() else frozenset())
"""File name endings (lower case) of the photos in a folder: HEIC is read with its extra, and never written."""

FORMATS_IN_WORDS: Final = "JPEG, PNG, WebP, TIFF, BMP" + (" or AVIF" if _HAS_AVIF else "")

_URL: Final = re.compile(r"^([a-z][a-z0-9+.-]+):/+", re.IGNORECASE)  # not a Windows drive, which is one letter


def refused_url(path: str | Path) -> str | None:
    """Return a line that refuses a path which is a URL, or None where it is none, or a file of that name is there."""
    if not is_url(Path(path)):
        return None
    return f"{printable(Path(path))}: is a URL, and nothing is downloaded; download it first and name the file"


def printable(path: str | Path) -> str:
    """Return the path as text that fits on one line: control and other unprintable characters are escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in path_text(path))


def path_text(path: str | Path) -> str:
    """Return the path as text, a URL with its two slashes, of which pathlib makes one."""
    return _URL.sub(r"\1://", str(path), count=1) if isinstance(path, Path) else path


def is_url(path: Path) -> bool:
    """Whether a path is a URL, such as "s3://bucket/photos", and no file or folder of that name is there."""
    return _URL.match(str(path)) is not None and not os.path.lexists(path)
