"""Files of more than 8 bits a channel: PNG and TIFF of 16, AVIF of 10 or 12.

Pillow writes no such images of several channels. It writes everything else of the file here: beside a single pixel of
a PNG, whose header and pixels are then replaced, or around the bytes of a TIFF, whose directory is then told what they
are. AVIF is written by OpenCV, metadata included.
"""

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snadnet.image_arrays import PEAKS, rescaled
from snadnet.photo.container import PNG_SIGNATURE, png_chunks

DEEPEST: Final = {"PNG": 16, "TIFF": 16, **({"AVIF": 12} if cv2.haveImageWriter("photo.avif") else {})}
"""How many bits a channel a format holds at most; a format that is not listed holds 8."""

Samples16 = NDArray[np.uint16]

_PEAK: Final = PEAKS[np.dtype(np.uint16)]
# PNG's numbers of kinds of pixels, by their channels.
_PNG_COLOUR_TYPES: Final = {1: 0, 2: 4, 3: 2, 4: 6}
_PNG_DEPTH: Final = 16
_PNG_UP: Final = b"\x02"  # the filter "Up": each byte as its difference from the one above
_ROWS_AT_ONCE: Final = 256

_BYTE_MODES: Final = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_WIDTH_TAG: Final = 256
_BITS_TAG: Final = 258
_SHORT: Final = 3

_AVIF_METADATA: Final = {"icc_profile": "ICCP", "exif": "EXIF", "xmp": "XMP"}


def encode_png(values: Samples16, options: Mapping[str, Any]) -> bytes:
    """Return a PNG of 16 bits a channel.

    Args:
        values: (H, W, C), the channels being grey, grey and transparency, RGB, or RGBA.
        options: What Pillow is told to write beside the pixels.
    """
    height, width, channels = values.shape
    beside = io.BytesIO()
    Image.new(_BYTE_MODES[channels], (1, 1)).save(beside, "PNG", **options)
    header = struct.pack(">IIBBBBB", width, height, _PNG_DEPTH, _PNG_COLOUR_TYPES[channels], 0, 0, 0)
    parts = [PNG_SIGNATURE]
    for start, end, kind in png_chunks(beside.getvalue()):
        if kind == b"IHDR":
            parts.append(_chunk(kind, header))
        elif kind == b"IDAT":
            parts += [_chunk(kind, part) for part in _deflated(values)]
        else:
            parts.append(beside.getvalue()[start:end])
    return b"".join(parts)


def encode_tiff(values: Samples16, options: Mapping[str, Any]) -> bytes:
    """Return a TIFF of 16 bits a channel, as `encode_png`: Pillow writes its bytes as an image twice as wide."""
    height, width, channels = values.shape
    shape = (height, 2 * width) if channels == 1 else (height, 2 * width, channels)
    as_bytes = values.astype("<u2", copy=False).view(np.uint8).reshape(shape)
    written = io.BytesIO()
    Image.fromarray(as_bytes, _BYTE_MODES[channels]).save(written, "TIFF", **options)
    content = bytearray(written.getvalue())
    directory = struct.unpack_from("<I", content, 4)[0]
    for entry in range(struct.unpack_from("<H", content, directory)[0]):
        place = directory + 2 + 12 * entry
        tag, kind, count = struct.unpack_from("<HHI", content, place)
        if tag == _WIDTH_TAG:
            struct.pack_into("<H" if kind == _SHORT else "<I", content, place + 8, width)
        elif tag == _BITS_TAG:
            # Up to two numbers are in the entry itself.
            at = place + 8 if count <= 2 else struct.unpack_from("<I", content, place + 8)[0]  # noqa: PLR2004
            struct.pack_into(f"<{count}H", content, at, *[16] * count)
    return bytes(content)


def encode_avif(values: Samples16, bits: int, options: Mapping[str, Any]) -> bytes:
    """Return an AVIF of 10 or 12 bits a channel.

    Args:
        values: (H, W, C) over the whole range of uint16: grey, RGB or RGBA.
        bits: 10 or 12.
        options: As Pillow takes them: the quality, the profile, EXIF and XMP.

    Raises:
        ValueError: If this OpenCV writes no AVIF.
    """
    channels = values.shape[2]
    scaled = rescaled(values[..., [2, 1, 0, 3][:channels]] if channels > 1 else values, _PEAK, (1 << bits) - 1)
    present = [name for name in _AVIF_METADATA if options.get(name)]
    kinds = [getattr(cv2, f"IMAGE_METADATA_{_AVIF_METADATA[name]}") for name in present]
    contents = [np.frombuffer(options[name].removeprefix(b"Exif\0\0"), np.uint8) for name in present]
    settings = [cv2.IMWRITE_AVIF_DEPTH, bits, cv2.IMWRITE_AVIF_QUALITY, options["quality"]]
    done, encoded = cv2.imencodeWithMetadata(".avif", np.ascontiguousarray(scaled), kinds, contents, settings)
    if not done:
        raise ValueError("the encoder failed")
    return bytes(encoded)


def _deflated(values: Samples16) -> Iterator[bytes]:
    """The pixels of a PNG, filtered and compressed; by parts, to take little memory."""
    # Samples of 16 bits hardly repeat: looking for more than runs takes five times as long and gains nothing.
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)
    above = np.zeros((1, values.shape[1] * values.shape[2] * 2), np.uint8)
    for top in range(0, len(values), _ROWS_AT_ONCE):
        part = values[top : top + _ROWS_AT_ONCE].astype(">u2").view(np.uint8)
        rows = part.reshape(len(part), -1)
        filtered = rows - np.concatenate([above, rows[:-1]])
        above = rows[-1:]
        marked = np.column_stack([np.full(len(rows), _PNG_UP[0], np.uint8), filtered])
        if packed := packer.compress(marked.tobytes()):
            yield packed
    yield packer.flush()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
