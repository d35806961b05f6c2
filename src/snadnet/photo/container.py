"""The pieces that a PNG or JPEG file is made of: counting them, and leaving out all that is not needed for pixels.

Pillow reads every piece before it tells the picture's size, and refuses the whole file for one broken text.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from snadnet.photo.limits import MAX_PIECES

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
# A chunk's length, type and checksum.
_PNG_OVERHEAD: Final = 12
# Transparency belongs to the pixels; all else of an ancillary chunk (small first letter) can be left out.
_PNG_NEEDED: Final = b"tRNS"

_JPEG_SIGNATURE: Final = b"\xff\xd8"
_SCAN: Final = 0xDA
_COMMENT: Final = 0xFE
_APPLICATION: Final = range(0xE0, 0xF0)
# Adobe's application segment tells how the colours are coded.
_ADOBE: Final = 0xEE
# Markers that stand alone, without a length: restarts, start and end, and what is reserved.
_ALONE: Final = frozenset({0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)})


def has_too_many_pieces(data: bytes) -> bool:
    """Whether a PNG or JPEG has more than `MAX_PIECES`, which costs far more memory and time than its size."""
    return next(islice(_pieces(data), MAX_PIECES, None), None) is not None


def without_extras(data: bytes) -> bytes:
    """The PNG or JPEG without texts, profile, EXIF, animation and the like; any other file as it is."""
    if data.startswith(_PNG_SIGNATURE):
        kept = (data[start:end] for start, end, kind in _png_chunks(data) if kind == _PNG_NEEDED or kind[:1].isupper())
        return _PNG_SIGNATURE + b"".join(kept)
    if data.startswith(_JPEG_SIGNATURE):
        kept = (data[start:end] for start, end, marker in _jpeg_segments(data) if _is_needed(marker))
        return _JPEG_SIGNATURE + b"".join(kept)
    return data


def _pieces(data: bytes) -> Iterator[object]:
    if data.startswith(_PNG_SIGNATURE):
        return _png_chunks(data)
    return _jpeg_segments(data) if data.startswith(_JPEG_SIGNATURE) else iter(())


def _png_chunks(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Start, end and type of each chunk; the last one may reach over the end of the data."""
    start = len(_PNG_SIGNATURE)
    while start + _PNG_OVERHEAD <= len(data):
        end = start + _PNG_OVERHEAD + int.from_bytes(data[start : start + 4])
        kind = data[start + 4 : start + 8]
        yield start, end, kind
        start = len(data) if kind == b"IEND" else end


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Start, end and marker of each segment; the last one, the scan, reaches to the end of the data."""
    start = data.find(b"\xff", len(_JPEG_SIGNATURE))
    while 0 <= start < len(data) - 1:
        marker = data[start + 1]
        # A marker may be padded with any number of 0xFF, and 0xFF00 is none.
        end = start + (1 if marker == 0xFF else 2)  # noqa: PLR2004
        if marker == _SCAN:
            end = len(data)
        elif marker not in {0x00, 0xFF} and marker not in _ALONE:
            end += max(2, int.from_bytes(data[end : end + 2]))
        yield start, end, marker
        start = data.find(b"\xff", end)


def _is_needed(marker: int) -> bool:
    return marker == _ADOBE or not (marker == _COMMENT or marker in _APPLICATION)
