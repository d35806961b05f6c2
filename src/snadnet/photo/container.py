"""The pieces that a photo's file is made of: chunks of a PNG, segments of a JPEG, boxes of an AVIF or HEIC.

They are counted, left out where pixels do not need them, and asked for what Pillow does not say. Pillow reads every
piece before it knows the image's size, and refuses the whole file for one broken text.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from snadnet.photo.limits import MAX_PIECES

PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
"""How every PNG begins."""

# A chunk's length, type and checksum.
_PNG_OVERHEAD: Final = 12
# Transparency belongs to the pixels; all else of an ancillary chunk (small first letter) can be left out.
_PNG_NEEDED: Final = b"tRNS"

_JPEG_SIGNATURE: Final = b"\xff\xd8"
_SCAN: Final = 0xDA
_COMMENT: Final = 0xFE
_APPLICATION: Final = range(0xE0, 0xF0)
_END: Final = 0xD9
# Adobe's application segment says how the colours are coded.
_ADOBE: Final = 0xEE
# Markers that stand alone, without a length: restarts, start and end, and what is reserved.
_ALONE: Final = frozenset({0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)})


# What begins a video, or another JPEG.
_APPENDED_STARTS: Final = (b"ftyp", b"\xff\xd8\xff")
_SAMSUNG: Final = b"SEFT"
# An auxiliary image of Apple's, and an item after ISO 21496-1.
_GAIN_MAPS: Final = (b":aux:hdrgainmap", b"tmap")

# The box of AV1's configuration, and where behind its start it has the bits that say the depth.
_AV1_CONFIGURATION: Final = b"av1C"
_AV1_FLAGS: Final = 6
_AV1_HIGH: Final = 0x40
_AV1_TWELVE: Final = 0x20

Codes = tuple[int, int, int, int]
"""Colour primaries, transfer characteristics, matrix coefficients (ITU-T H.273), and the full range flag."""


def has_too_many_pieces(data: bytes) -> bool:
    """Return whether a PNG or JPEG has more than `MAX_PIECES`, which costs far more memory and time than its size."""
    return next(islice(_pieces(data), MAX_PIECES, None), None) is not None


def without_extras(data: bytes) -> bytes:
    """Return the PNG or JPEG without texts, profile, EXIF, animation and the like; any other file as it is."""
    if data.startswith(PNG_SIGNATURE):
        kept = (data[start:end] for start, end, kind in png_chunks(data) if kind == _PNG_NEEDED or kind[:1].isupper())
        return PNG_SIGNATURE + b"".join(kept)
    if data.startswith(_JPEG_SIGNATURE):
        kept = (data[start:end] for start, end, marker in _jpeg_segments(data) if _is_needed(marker))
        return _JPEG_SIGNATURE + b"".join(kept)
    return data


def png_colour_codes(data: bytes) -> Codes | None:
    """Return what the cICP chunk of a PNG says, or None."""
    if not data.startswith(PNG_SIGNATURE):
        return None
    # It stands before the pixels.
    for start, end, kind in islice(png_chunks(data), MAX_PIECES):
        if kind == b"IDAT":
            break
        if kind == b"cICP" and end - start == _PNG_OVERHEAD + 4:
            primaries, curve, matrix, full_range = data[start + 8 : end - 4]
            return primaries, curve, matrix, full_range
    return None


def box_colour_codes(data: bytes) -> Codes | None:
    """Return what the nclx box of the main image of an AVIF or HEIC says, or None."""
    meta = _box(data, b"meta")
    if meta is None:
        return None
    main, properties = _box(meta[4:], b"pitm"), _box(meta[4:], b"iprp")
    container, links = (None, None) if properties is None else (_box(properties, b"ipco"), _box(properties, b"ipma"))
    if main is None or container is None or links is None:
        return None
    boxes = list(islice(_boxes(container), MAX_PIECES))
    for index in _linked(links, int.from_bytes(main[4:])):
        kind, content = boxes[index - 1] if 1 <= index <= len(boxes) else (b"", b"")
        if kind == b"colr" and content[:4] == b"nclx" and len(content) >= 11:  # noqa: PLR2004
            primaries, curve, matrix = (int.from_bytes(content[place : place + 2]) for place in (4, 6, 8))
            return primaries, curve, matrix, content[10] >> 7
    return None


def avif_bits(data: bytes) -> int:
    """Return how many bits a channel of an AVIF has: 8, 10 or 12; 8 where it does not say."""
    place = data.find(_AV1_CONFIGURATION)
    flags = data[place + _AV1_FLAGS : place + _AV1_FLAGS + 1] if place >= 0 else b""
    if not flags or not flags[0] & _AV1_HIGH:
        return 8
    return 12 if flags[0] & _AV1_TWELVE else 10


def has_appended(data: bytes) -> bool:
    """Return whether a JPEG goes on behind its main image with another image or a video, or a HEIC has a gain map."""
    if data.startswith(_JPEG_SIGNATURE):
        trailer = _jpeg_trailer(data)
        return trailer.rstrip(b"\0").endswith(_SAMSUNG) or any(start in trailer for start in _APPENDED_STARTS)
    meta = _box(data, b"meta") if data[4:8] == b"ftyp" else None
    return meta is not None and any(kind in meta for kind in _GAIN_MAPS)


def _pieces(data: bytes) -> Iterator[object]:
    if data.startswith(PNG_SIGNATURE):
        return png_chunks(data)
    return _jpeg_segments(data) if data.startswith(_JPEG_SIGNATURE) else iter(())


def png_chunks(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield start, end and type of each chunk of a PNG; the last one may reach over the end of the data."""
    start = len(PNG_SIGNATURE)
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


def _jpeg_trailer(data: bytes) -> bytes:
    """Return the bytes after the main image of a JPEG."""
    scan = next((start for start, _, marker in islice(_jpeg_segments(data), MAX_PIECES) if marker == _SCAN), None)
    # Within pixels 0xFF is followed by 0 or a restart, so that the first mark of the end is one.
    end = -1 if scan is None else data.find(bytes([0xFF, _END]), scan)
    return b"" if end < 0 else data[end + 2 :]


def _is_needed(marker: int) -> bool:
    return marker == _ADOBE or not (marker == _COMMENT or marker in _APPLICATION)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and content of each box on one level of an ISO media file."""
    start = 0
    while start + 8 <= len(data):
        size, kind, head = int.from_bytes(data[start : start + 4]), data[start + 4 : start + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[start + 8 : start + 16]), 16
        end = start + size if size else len(data)
        if end < start + head:
            return
        yield kind, data[start + head : end]
        start = end


def _box(data: bytes, wanted: bytes) -> bytes | None:
    """The content of the first box of a type, or None."""
    return next((content for kind, content in islice(_boxes(data), MAX_PIECES) if kind == wanted), None)


def _linked(links: bytes, item: int) -> Iterator[int]:
    """The numbers, from 1, of the properties that an item has by the box "ipma"."""
    name_bytes = 2 if links[:1] == b"\0" else 4
    index_bytes = 2 if links[3:4] and links[3] & 1 else 1
    place = 8
    while place + name_bytes < len(links):
        name, count = int.from_bytes(links[place : place + name_bytes]), links[place + name_bytes]
        place += name_bytes + 1
        end = place + count * index_bytes
        if name == item:
            for start in range(place, min(end, len(links)), index_bytes):
                # The highest bit says whether a reader must understand the property.
                index = int.from_bytes(links[start : start + index_bytes])
                yield index & ((1 << (8 * index_bytes - 1)) - 1)
            return
        place = end
