"""XMP: kept as the text it is, never parsed as XML, and made true to the upright image."""

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
_CONTAINER: Final = b"http://ns.google.com/photos/1.0/container/"
# Namespaces of which each name, or each that begins as given, describes something appended.
_APPENDED: Final = {
    b"http://ns.adobe.com/hdr-gain-map/1.0/": rb"",
    b"http://ns.apple.com/HDRGainMap/1.0/": rb"",
    b"http://ns.google.com/photos/1.0/depthmap/": rb"",
    b"http://ns.google.com/photos/1.0/image/": rb"",
    b"http://ns.google.com/photos/1.0/camera/": rb"(?:MicroVideo|MotionPhoto)",
}


def without_appended(packet: bytes) -> tuple[bytes | None, bool]:
    """Take out what the packet says of images or a video behind the photo, which writing leaves out.

    Returns:
        The packet, or None where its claims cannot be taken out one by one; and whether there were any.
    """
    if _CONTAINER in packet:
        return None, True
    claimed = False
    for namespace, names in _APPENDED.items():
        declared = re.compile(rb"""\sxmlns:([A-Za-z_][\w.-]{0,40})=["']%b["']""" % re.escape(namespace))
        for prefix in {match[1] for match in declared.finditer(packet)}:
            claim = rb"%b:%b[\w.-]*" % (re.escape(prefix), names)
            if not re.search(rb"[\s<]%b" % claim, packet):
                continue
            claimed = True
            packet = re.sub(rb"""\s%b=(?:"[^"]*"|'[^']*')""" % claim, b"", packet)
            packet = _without_elements(packet, re.compile(rb"<(%b)(?=[\s/>])[^<>]*>" % claim))
            if not re.search(rb"[\s</]%b:" % re.escape(prefix), packet):
                packet = declared.sub(b"", packet)
            if re.search(rb"[\s</]%b" % claim, packet):
                return None, True
    return packet, claimed


def has_second_part(packet: bytes) -> bool:
    """Return whether the packet goes on in a second one, which only a JPEG's segments of their own can hold."""
    return _EXTENSION.search(packet) is not None


def clean_xmp(packet: bytes, upright_size: tuple[int, int]) -> bytes | None:
    """Return the packet with its orientation reset, sizes true and thumbnails dropped; None if it is damaged."""
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


def _without_elements(packet: bytes, opening: re.Pattern[bytes]) -> bytes:
    """The packet without the elements whose opening tag matches; the first group is the tag's name."""
    kept, end = [], 0
    for match in opening.finditer(packet):
        if match.start() < end:
            continue
        kept.append(packet[end : match.start()])
        end = match.end()
        if not match[0].endswith(b"/>"):
            closing = b"</" + match[1] + b">"
            place = packet.find(closing, end)
            if place < 0:
                return packet
            end = place + len(closing)
    return b"".join([*kept, packet[end:]])


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
