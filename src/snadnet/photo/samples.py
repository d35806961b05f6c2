"""The pixels of an image that is opened: upright, and with as many bits as its file has.

Pillow keeps images of several channels in 8 bits. Of a PNG or TIFF with 16 it gives the upper 8, by a name of how the
samples lie in the file ("RGB;16B"); by the name of the other order of bytes it gives the lower 8. So Pillow decodes
such a file twice, and no other decoder is needed. For AVIF there is OpenCV's, and for HEIC that of the extra.
"""

import io
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, PngImagePlugin, TiffImagePlugin

from snadnet.image_arrays import PEAKS, Pixels, rescaled
from snadnet.photo.colour import cmyk_to_srgb
from snadnet.photo.container import avif_bits
from snadnet.photo.exif import orientation, turned_upright, upright
from snadnet.photo.heic import deep_heic

Samples16 = NDArray[np.uint16]

TIFF_SIGNATURES: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_IN_HALVES: Final = frozenset({"PNG", "TIFF"})
_ROWS_AT_ONCE: Final = 256
_PEAK: Final = PEAKS[np.dtype(np.uint16)]
_BYTE_BITS: Final = 8

_BITS_PER_SAMPLE: Final = 258
_PHOTOMETRIC: Final = 262
_SAMPLES_PER_PIXEL: Final = 277
_PLANAR: Final = 284
_SEPARATE: Final = 2
_EXTRA_SAMPLES: Final = 338
_WHITE_IS_ZERO: Final = 0
_BLACK_IS_ZERO: Final = 1
_RGB: Final = 2
# Kinds of an extra sample: transparency that the colours are multiplied with, and such that they are not.
_ASSOCIATED: Final = 1
_TRANSPARENCY: Final = (1, 2)
# What a plane of a TIFF has in common with the whole: its size, how it is compressed, and how it is turned.
_COMMON_TAGS: Final = (256, 257, 259, 266, 274, 278, 317, 322, 323)
# Where its strips or tiles are, and their lengths.
_PLACES: Final = (273, 279, 324, 325)
_LONG: Final = 4


class ColoursError(Exception):
    """The colours of an image are of a kind that does not become RGB; its text is Pillow's name of the kind."""


@dataclass(frozen=True, eq=False)
class Samples:
    """The pixels of an image, and what only they tell.

    Attributes:
        pixels: (H, W, 3) RGB, upright, uint8 or uint16 over its whole range.
        alpha: (H, W) transparency of the same type, or None.
        grey: Whether the image has one colour channel.
        bits: How many bits a channel has in the file.
        notes: What was changed in reading, for the user.
    """

    pixels: Pixels
    alpha: Pixels | None
    grey: bool
    bits: int = _BYTE_BITS
    notes: tuple[str, ...] = ()


class TiffFile(TiffImagePlugin.TiffImageFile):
    """A TIFF, with what Pillow does not know of one of 16 bits.

    Pillow opens no grey one with transparency; nor one in which 0 is white, if the upper byte comes first. Both are
    opened here, as what has as many bytes.

    Attributes:
        pairs: Whether a pixel is a grey value and its transparency, which Pillow gives as RGBA of 8 bits.
        separate: How many planes of one channel the file has, if each is stored by itself; else 1.
        white_is_zero: Whether the values are to be inverted.
        associated: Whether the colours are multiplied with their transparency.
    """

    pairs = False
    separate = 1
    white_is_zero = False
    associated = False

    def _setup(self) -> None:
        tags = self.tag_v2
        bits = tags.get(_BITS_PER_SAMPLE, (1,))
        if isinstance(bits, tuple) and set(bits) == {16}:
            extra, photometric = tags.get(_EXTRA_SAMPLES, ()), tags.get(_PHOTOMETRIC, _WHITE_IS_ZERO)
            kind = extra[-1] if isinstance(extra, tuple) and extra else None
            grey = photometric in {_WHITE_IS_ZERO, _BLACK_IS_ZERO}
            self.white_is_zero = photometric == _WHITE_IS_ZERO
            self.associated = kind == _ASSOCIATED
            self.pairs = grey and len(bits) == 2 and kind in _TRANSPARENCY  # noqa: PLR2004
            if tags.get(_PLANAR, 1) == _SEPARATE:
                self.separate = len(bits)
                tags[_PLANAR] = 1
            if self.pairs:
                tags[_BITS_PER_SAMPLE], tags[_SAMPLES_PER_PIXEL] = (8,) * 4, 4
                tags[_PHOTOMETRIC], tags[_EXTRA_SAMPLES] = _RGB, (2,)
            elif self.white_is_zero:
                tags[_PHOTOMETRIC] = _BLACK_IS_ZERO
        super()._setup()


def open_image(data: bytes, formats: tuple[str, ...]) -> Image.Image:
    """Open an image without decoding it, by Pillow's formats of these names.

    Raises:
        Exception: If it is none of them, or damaged; of any kind.
    """
    return TiffFile(io.BytesIO(data)) if data[:4] in TIFF_SIGNATURES else Image.open(io.BytesIO(data), formats=formats)


def file_bits(image: Image.Image, data: bytes) -> int:
    """Return how many bits a channel has: 8 or fewer count as 8, and 32 stand for all that cannot be kept.

    Args:
        image: The image, not loaded yet.
        data: Its file's content; empty where it is not known.
    """
    if image.mode in {"I", "F"}:
        return 32
    if image.format == "AVIF":
        return avif_bits(data)
    if image.format == "HEIF":
        return int(image.info.get("bit_depth", _BYTE_BITS))
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (1,))
        most = max(bits) if isinstance(bits, tuple) else int(bits)
        return 16 if getattr(image, "pairs", False) else max(_BYTE_BITS, most)
    if image.mode.startswith("I;16"):
        return 16
    # The layout of the stored pixels, such as "RGB;16B"; the list is empty once the pixels are decoded.
    deep = image.format == "PNG" and any(";16" in str(_raw_mode(tile)) for tile in getattr(image, "tile", []))
    return 16 if deep else _BYTE_BITS


def load_samples(image: Image.Image, data: bytes, *, reopen: Callable[[], Image.Image]) -> Samples:
    """Return the pixels of an image, decoded and upright.

    Args:
        image: The image; it is loaded, except where another decoder than Pillow gives its pixels.
        data: Its file's content; empty where it is not known.
        reopen: Opens the same image once more.

    Raises:
        ColoursError: If its colours are of an unsupported kind.
        Exception: If the file is damaged; of any kind.
    """
    bits = file_bits(image, data)
    if bits > _BYTE_BITS and image.format in {"AVIF", "HEIF"} and data:
        decoded = deep_heic(data) if image.format == "HEIF" else _deep_avif(data, grey=image.mode in {"L", "LA"})
        if decoded is not None:
            if decoded.shape[:2] != image.size[::-1]:
                raise ValueError(f"the pixels are {decoded.shape}, and the file says {image.size}")
            # HEIC's decoder has turned them already.
            return _from_array(turned_upright(decoded, orientation(image) if image.format == "AVIF" else 1), bits)
    _check_cover(image)
    if bits > _BYTE_BITS and (
        image.mode.startswith("I;16") or (data and image.format in _IN_HALVES and image.mode != "CMYK")
    ):
        return _load_deep(cast("ImageFile.ImageFile", image), data, bits, reopen)
    image.load()
    return _from_image(upright(image), deep=bits > _BYTE_BITS)


def _check_cover(image: Image.Image) -> None:
    """Raise ValueError of a TIFF that is larger than its strips or tiles together, which Pillow would fill up."""
    if image.format != "TIFF" or not getattr(image, "tile", []):
        return
    boxes = [tile.extents or (0, 0, 0, 0) for tile in cast("ImageFile.ImageFile", image).tile]
    covered = sum((right - left) * (bottom - top) for left, top, right, bottom in boxes)
    if covered < image.width * image.height:
        raise ValueError("there are fewer pixels than the file says")


def _load_deep(image: ImageFile.ImageFile, data: bytes, bits: int, reopen: Callable[[], Image.Image]) -> Samples:
    """The pixels of a PNG or TIFF of more than 8 bits."""
    tiff = image if isinstance(image, TiffFile) else None
    if tiff and tiff.separate > 1:
        # Of four planes the last may be of no known meaning.
        count = tiff.separate if tiff.pairs or "A" in image.mode else len(image.getbands())
        planes = [_plane(data, tiff, number) for number in range(count)]
        values = np.stack([np.asarray(plane).astype(np.uint16) for plane in planes], axis=2)
    elif image.mode.startswith("I;16"):
        image.load()
        values = rescaled(np.asarray(upright(image)).astype(np.uint16), (1 << bits) - 1, _PEAK)[..., None]
    elif (tiff and tiff.pairs) or _raw_mode(image.tile[0]) == "LA;16B":
        # Libtiff gives the order of this machine; else the bytes come as they lie in the file.
        native = image.tile[0].codec_name == "libtiff"
        big = sys.byteorder == "big" if native else tiff is None or tiff.tag_v2.prefix == b"MM"
        image.tile = [_with_name(tile, "RGBA") for tile in image.tile]
        image.load()
        values = np.ascontiguousarray(_to_array(upright(image), 4)).view(">u2" if big else "<u2").astype(np.uint16)
    else:
        values = _two_halves(image, cast("ImageFile.ImageFile", reopen()))
    alpha: Samples16 | None = None
    if values.shape[2] in {2, 4}:
        values, alpha = values[..., :-1], np.ascontiguousarray(values[..., -1])
    if alpha is not None and tiff and tiff.associated:
        values = _divided(values, alpha)
    if tiff and tiff.white_is_zero:
        values = _PEAK - values
    if alpha is None and isinstance(image, PngImagePlugin.PngImageFile):
        alpha = _keyed(values, image.info.get("transparency"))
    return Samples(_three(values), alpha, values.shape[2] == 1, bits)


def _two_halves(image: ImageFile.ImageFile, again: ImageFile.ImageFile) -> Samples16:
    """The samples (H, W, C) of an image of 16 bits, decoded from two openings of it."""
    channels = len(image.getbands())
    again.tile = [_with_name(tile, _half(tile, upper=False)) for tile in again.tile]
    image.tile = [_with_name(tile, _half(tile, upper=True)) for tile in image.tile]
    # First the one that need not be kept.
    again.load()
    values = _to_array(upright(again), channels).astype(np.uint16)
    del again
    image.load()
    upper = upright(image)
    for rows, part in _strips(upper):
        values[rows] |= part.astype(np.uint16) << _BYTE_BITS
    return values


def _plane(data: bytes, image: TiffFile, number: int) -> Image.Image:
    """One of the planes of a TIFF that are stored apart: as a grey image, opened by a directory of its own."""
    tags = image.tag_v2
    entries: dict[int, tuple[int, ...]] = {tag: (int(tags[tag]),) for tag in _COMMON_TAGS if tag in tags}
    entries |= {_BITS_PER_SAMPLE: (16,), _PHOTOMETRIC: (_BLACK_IS_ZERO,), _SAMPLES_PER_PIXEL: (1,)}
    for tag in _PLACES:
        if tag in tags:
            share = len(tags[tag]) // image.separate
            entries[tag] = tuple(tags[tag][number * share : (number + 1) * share])
    order = "<" if tags.prefix == b"II" else ">"
    place = len(data) + len(data) % 2
    end = place + 2 + 12 * len(entries) + 4
    listing, beside = struct.pack(f"{order}H", len(entries)), b""
    for tag, values in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(values)}L", *values)
        inline = packed if len(values) == 1 else struct.pack(f"{order}L", end + len(beside))
        beside += packed if len(values) > 1 else b""
        listing += struct.pack(f"{order}HHL", tag, _LONG, len(values)) + inline
    header = struct.pack(f"{order}2sHL", tags.prefix, 42, place)
    plane = TiffImagePlugin.TiffImageFile(
        io.BytesIO(header + data[8:].ljust(place - 8, b"\0") + listing + bytes(4) + beside)
    )
    _check_cover(plane)
    plane.load()
    return plane


def _keyed(values: Samples16, key: object) -> Samples16 | None:
    """The transparency (H, W) of a PNG in which one colour is transparent; None if there is none."""
    numbers = key if isinstance(key, tuple) else (key,)
    if len(numbers) != values.shape[2] or not all(isinstance(number, int) for number in numbers):
        return None
    return np.where((values == np.array(numbers)).all(axis=2), np.uint16(0), np.uint16(_PEAK))


def _divided(values: Samples16, alpha: Samples16) -> Samples16:
    """Colours that were multiplied with their transparency, as they were before; by parts, to take little memory."""
    result = np.empty_like(values)
    for top in range(0, len(values), _ROWS_AT_ONCE):
        part = slice(top, top + _ROWS_AT_ONCE)
        share = alpha[part, :, None].astype(np.uint64)
        colours = (values[part].astype(np.uint64) * _PEAK + share // 2) // np.maximum(share, 1)
        result[part] = np.minimum(colours, _PEAK)
    return result


def _deep_avif(data: bytes, *, grey: bool) -> Samples16 | None:
    """An AVIF of 10 or 12 bits as its own values (H, W, C); None where this OpenCV cannot decode it."""
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if decoded is None or decoded.dtype != np.uint16:
        return None
    values = np.atleast_3d(np.asarray(decoded, np.uint16))
    if grey:
        return values[..., [0, 3]] if values.shape[2] == 4 else values[..., :1]  # noqa: PLR2004
    return values[..., [2, 1, 0, 3][: values.shape[2]]]


def _from_array(values: Samples16, bits: int) -> Samples:
    """Samples of a decoder's own values (H, W, C), of 1 to 4 channels."""
    whole = rescaled(values, (1 << bits) - 1, _PEAK)
    alpha = np.ascontiguousarray(whole[..., -1]) if whole.shape[2] in {2, 4} else None
    grey = whole.shape[2] <= 2  # noqa: PLR2004
    return Samples(_three(whole[..., : 1 if grey else 3]), alpha, grey, bits)


def _three(values: Samples16) -> Samples16:
    return np.repeat(values, 3, axis=2) if values.shape[2] == 1 else np.ascontiguousarray(values[..., :3])


def _raw_mode(tile: Any) -> str:  # noqa: ANN401 - Pillow's tile, which has no public type
    return str(tile.args[0] if isinstance(tile.args, tuple) else tile.args)


def _with_name(tile: Any, name: str) -> Any:  # noqa: ANN401 - as above
    """The tile with another name of how its samples lie."""
    return tile._replace(args=(name, *tile.args[1:]) if isinstance(tile.args, tuple) else name)


def _half(tile: Any, *, upper: bool) -> str:  # noqa: ANN401 - as above
    """The name by which the upper or the lower 8 of its 16 bits are decoded."""
    kind, _, order = _raw_mode(tile).partition(";16")
    little = order == "L" or (order == "N" and sys.byteorder == "little")
    # As they are, not yet divided by their transparency.
    return f"{kind.replace('a', 'A')};16{'L' if little == upper else 'B'}"


def _from_image(image: Image.Image, *, deep: bool) -> Samples:
    """Samples of a loaded image of 8 bits, or one that its decoder has brought to 8."""
    try:
        colours, alpha, grey = _split(image)
        notes = ("more than 8 bits a channel became 8",) if deep else ()
        return Samples(_to_array(colours, 3), None if alpha is None else np.array(alpha), grey, notes=notes)
    except Exception as error:
        raise ColoursError(image.mode) from error


def _to_array(image: Image.Image, channels: int) -> NDArray[np.uint8]:
    """An image of 8 bits as (H, W, channels), a single channel repeated."""
    pixels = np.empty((image.height, image.width, channels), np.uint8)
    for rows, part in _strips(image):
        pixels[rows] = part
    return pixels


def _strips(image: Image.Image) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """Rows of an image and their pixels (h, W, C); by parts, as converting it whole would hold two more copies."""
    for top in range(0, image.height, _ROWS_AT_ONCE):
        bottom = min(top + _ROWS_AT_ONCE, image.height)
        yield slice(top, bottom), np.atleast_3d(np.asarray(image.crop((0, top, image.width, bottom))))


def _split(image: Image.Image) -> tuple[Image.Image, Image.Image | None, bool]:
    """The colours (mode L or RGB), the transparency (mode L or None) and whether the image is grey."""
    mode = image.mode
    if mode in {"1", "L", "LA", "La"}:
        with_alpha = mode in {"LA", "La"} or image.has_transparency_data
        bands = image.convert("RGBA").split() if with_alpha else (image if mode == "L" else image.convert("L"),)
        return bands[0], bands[3] if with_alpha else None, True
    if mode == "CMYK":
        profile = image.info.get("icc_profile")
        return cmyk_to_srgb(image, profile if isinstance(profile, bytes) else None), None, False
    if mode in {"RGBA", "RGBa", "PA"} or image.has_transparency_data:
        colours = image.convert("RGBA")
        return colours.convert("RGB"), colours.getchannel("A"), False
    return image if mode == "RGB" else image.convert("RGB"), None, False
