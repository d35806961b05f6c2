"""XMP: kept as the text it is, never parsed as XML, and made true to the upright picture."""

import re
from typing import Final

_ORIENTATION: Final = re.compile(rb"""(tiff:Orientation(?:=["']|>))[0-9]""")
_SIZES: Final = {
    axis: re.compile(rb"""((?:tiff:Image%b|exif:Pixel%bDimension)(?:=["']|>))[0-9]{1,9}""" % names)
    for axis, names in enumerate(((b"Width", b"X"), (b"Length", b"Y")))
}
_THUMBNAILS: Final = (b"<xmp:Thumbnails", b"</xmp:Thumbnails>")
# An XMP packet in a second part, which only a JPEG's segments of its own can hold.
_EXTENSION: Final = re.compile(
    rb' ?xmpNote:HasExtendedXMP="[0-9A-Fa-f]{0,32}"'
    rb"|<xmpNote:HasExtendedXMP>[0-9A-Fa-f]{0,32}</xmpNote:HasExtendedXMP>"
)
# It lists what is appended to the file: a gain map, a depth map, a video.
_APPENDED: Final = b"http://ns.google.com/photos/1.0/container/"


def describes_appended(packet: bytes) -> bool:
    """Whether the packet tells of pictures or a video behind the photo, which are lost when it is written anew."""
    return _APPENDED in packet


def clean_xmp(packet: bytes, upright_size: tuple[int, int]) -> bytes | None:
    """The packet with the orientation reset, sizes true and thumbnails dropped; None if it is damaged."""
    packet = packet.rstrip(b"\0")
    try:
        packet.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if b"<rdf:RDF" not in packet or b"\0" in packet:
        return None
    packet = _ORIENTATION.sub(rb"\g<1>1", packet)
    for axis, pattern in _SIZES.items():
        packet = pattern.sub(rb"\g<1>%d" % upright_size[axis], packet)
    return _EXTENSION.sub(b"", _without_thumbnails(packet))


def _without_thumbnails(packet: bytes) -> bytes:
    # Searched rather than matched: a pattern would take quadratic time on a packet full of openings.
    opening, closing = _THUMBNAILS
    kept = []
    start = packet.find(opening)
    end = 0
    while start >= 0 and (close := packet.find(closing, start)) >= 0:
        kept.append(packet[end:start])
        end = close + len(closing)
        start = packet.find(opening, end)
    return b"".join([*kept, packet[end:]])
