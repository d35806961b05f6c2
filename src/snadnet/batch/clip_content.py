"""Telling clips from photos by their content, and the containers that clips are read from and written to."""

from pathlib import Path
from typing import Final

HEAD_BYTES: Final = 400
"""How many bytes of a file's beginning `container_of` needs."""

OUTPUT_CONTAINERS: Final = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
}
"""File name endings (lower case) of the clips that are written, and FFmpeg's name of each container."""

VIDEO_SUFFIXES: Final = frozenset({*OUTPUT_CONTAINERS, ".3gp", ".avi", ".m2ts", ".mts", ".qt", ".ts"})
"""File name endings (lower case) by which a clip in a folder is known."""

OUTPUT_SUFFIXES_IN_WORDS: Final = ", ".join(OUTPUT_CONTAINERS)

# Images in the same container as MP4: AVIF, HEIC and their sequences.
_IMAGE_BRANDS: Final = frozenset(
    {b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"crx "}
)
# What an old QuickTime file begins with.
_QUICKTIME_BOXES: Final = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_EBML: Final = b"\x1a\x45\xdf\xa3"
_TRANSPORT_SYNC: Final = 0x47
_TRANSPORT_PACKET: Final = 188
_TIMED_PACKET: Final = 192  # with a time of 4 bytes before each, as cameras record


def container_of(head: bytes) -> str | None:
    """Return FFmpeg's name of the container that a clip is in; None for what is no clip, such as a photo.

    Args:
        head: The first `HEAD_BYTES` of the file, or all of it.
    """
    box = head[4:8]
    if box == b"ftyp":
        return None if head[8:12] in _IMAGE_BRANDS else "mov"
    if box in _QUICKTIME_BOXES:
        return "mov"
    if head.startswith(_EBML):
        return "matroska"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    for start, size in ((0, _TRANSPORT_PACKET), (4, _TIMED_PACKET)):
        if len(head) > start + size and head[start] == head[start + size] == _TRANSPORT_SYNC:
            return "mpegts"
    return None


def is_video(path: Path) -> bool:
    """Return whether a file's content is a clip; False for what cannot be read, which others report."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return container_of(file.read(HEAD_BYTES)) is not None
    except (OSError, ValueError):
        return False
