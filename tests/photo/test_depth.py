"""More than 8 bits a channel: what goes in comes out, bit for bit, in every layout; and what a format cannot hold."""

import io
import struct
import zlib
from dataclasses import replace

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from snadnet.errors import PhotoError
from snadnet.image_arrays import eight_bits
from snadnet.photo import (
    FORMATS,
    ColourBridge,
    Photo,
    encode_photo,
    encoding_notes,
    photo_from_array,
    photo_from_image,
    read_photo_bytes,
)
from snadnet.photo.container import PNG_SIGNATURE
from snadnet.photo.deep_writing import DEEPEST
from snadnet.photo.types import Text
from support.photo_samples import STORED, exif_bytes, grey_profile, picture, profile, wide_profile

KINDS = ["grey", "grey with transparency", "RGB", "RGBA"]
needs_deep_avif = pytest.mark.skipif("AVIF" not in FORMATS or "AVIF" not in DEEPEST, reason="no AVIF of 10 bits here")


def deep(height=5, width=7, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 2**16, (height, width, channels), dtype=np.uint16)


def smooth(height, width):
    """Slow ramps, of which compression keeps nearly everything."""
    rows, columns = np.linspace(9000, 50000, height), np.linspace(0, 9000, width)
    plane = rows[:, None] + columns
    return np.stack([plane, plane + 3000, plane[::-1]], axis=2).astype(np.uint16)


def photo_of(kind, values):
    grey = kind.startswith("grey")
    photo = photo_from_array(values[..., 0] if grey else np.ascontiguousarray(values[..., :3]))
    transparent = kind in {"grey with transparency", "RGBA"}
    return replace(photo, alpha=np.ascontiguousarray(values[..., -1])) if transparent else photo


def same(first, second):
    return first is second is None or np.array_equal(first, second)


@settings(max_examples=80, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    source=st.sampled_from(["PNG", "TIFF"]),
    target=st.sampled_from(["PNG", "TIFF"]),
    described=st.booleans(),
    seed=st.integers(0, 99),
)
def test_sixteen_bits_go_from_file_to_file_bit_for_bit(*, kind, size, source, target, described, seed):
    photo = photo_of(kind, deep(*size, 4, seed))
    if described:
        icc = grey_profile() if photo.grey else wide_profile()
        photo = replace(photo, icc_profile=icc, exif=exif_bytes(1, *size[::-1]), dpi=(300.0, 300.0))
    first = read_photo_bytes(encode_photo(photo, source), name="a")
    again = read_photo_bytes(encode_photo(first, target), name="b")
    for result in (first, again):
        assert same(result.pixels, photo.pixels)
        assert same(result.alpha, photo.alpha)
        assert (result.bits, result.grey, result.notes, result.lossless) == (16, photo.grey, (), True)
        assert result.icc_profile == photo.icc_profile
        assert photo.dpi is None or result.dpi == pytest.approx(photo.dpi, abs=0.01)
        assert (result.exif is None) == (photo.exif is None)
        assert photo.exif is None or b"A maker" in result.exif


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_other_programs_read_what_is_written(kind, format_name):
    photo = photo_of(kind, deep(300, 5, 4))
    content = encode_photo(photo, format_name)
    expected = photo.pixels[..., :1] if photo.grey else photo.pixels
    expected = expected if photo.alpha is None else np.dstack([expected, photo.alpha])
    if format_name == "TIFF":
        assert np.array_equal(tifffile.imread(io.BytesIO(content)).reshape(expected.shape), expected)
        return
    decoded = np.atleast_3d(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED))
    assert decoded.dtype == np.uint16
    # OpenCV gives grey with transparency as blue, green, red and that.
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3] if kind == "RGBA" else [0, 3]}[decoded.shape[2]]
    assert np.array_equal(decoded[..., order], expected)


@settings(max_examples=120, deadline=None)
@given(
    channels=st.sampled_from([1, 2, 3, 4]),
    extra=st.sampled_from(["unassalpha", "assocalpha", "unspecified"]),
    white_is_zero=st.booleans(),
    order=st.sampled_from("<>"),
    packing=st.sampled_from([(None, None), ("zlib", None), ("zlib", 2)]),
    separate=st.booleans(),
    tiled=st.booleans(),
    orientation=st.sampled_from(sorted(STORED)),
)
def test_a_tiff_is_read_however_it_is_laid_out(
    *, channels, extra, white_is_zero, order, packing, separate, tiled, orientation
):
    upright = deep(20, 33, channels)
    transparent = channels in {2, 4} and extra != "unspecified"
    if transparent and extra == "assocalpha":
        upright[..., :-1] = upright[..., :-1].astype(np.uint64) * upright[..., -1:] // 65535
    stored = np.ascontiguousarray(STORED[orientation](upright))
    if channels == 2 and extra == "unspecified":
        return  # what its second channel is nobody knows
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        stored[..., 0] if channels == 1 else np.moveaxis(stored, -1, 0) if separate else stored,
        byteorder=order,
        photometric="rgb" if channels > 2 else "miniswhite" if white_is_zero else "minisblack",
        planarconfig=None if channels == 1 else "separate" if separate else "contig",
        extrasamples=[extra] if channels in {2, 4} else None,
        compression=packing[0],
        predictor=packing[1],
        tile=(16, 16) if tiled else None,
        rowsperstrip=None if tiled else 7,
        metadata=None,
        extratags=[(274, 3, 1, orientation, True)],
    )
    photo = read_photo_bytes(file.getvalue(), name="a")
    assert (photo.bits, photo.grey, photo.notes) == (16, channels < 3, ())
    assert same(photo.alpha, upright[..., -1] if transparent else None)
    colours = photo.pixels if channels > 2 else photo.pixels[..., :1]
    expected = upright[..., : colours.shape[2]]
    if white_is_zero and channels < 3:
        colours = 65535 - colours
    if transparent and extra == "assocalpha":
        again = np.rint(colours.astype(np.float64) * upright[..., -1:] / 65535)
        assert np.abs(again - expected).max() <= 1
    else:
        assert np.array_equal(colours, expected)


def png16(values, colour_type, *extras):
    """A PNG of 16 bits, without a filter."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", values.shape[1], len(values), 16, colour_type, 0, 0, 0)

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    parts = [chunk(b"IHDR", header), *(chunk(*each) for each in extras), chunk(b"IDAT", zlib.compress(rows))]
    return PNG_SIGNATURE + b"".join([*parts, chunk(b"IEND", b"")])


def test_the_transparent_colour_of_a_png_is_that_of_all_its_bits():
    values = deep(4, 4)
    # In all but the last bit this is the transparent colour.
    values[1, 1] = values[0, 0] ^ 1
    photo = read_photo_bytes(png16(values, 2, (b"tRNS", values[0, 0].astype(">u2").tobytes())), name="a")
    assert np.array_equal(photo.pixels, values)
    assert photo.alpha.dtype == np.uint16
    assert (photo.alpha == 0).sum() == 1
    assert photo.alpha[0, 0] == 0
    grey = read_photo_bytes(png16(values[..., :1], 0, (b"tRNS", values[2, 2, :1].astype(">u2").tobytes())), name="a")
    assert (grey.grey, grey.alpha[2, 2]) == (True, 0)


def test_twelve_bits_of_a_tiff_fill_the_range():
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((1, 2), np.uint16), metadata=None)
    # Two values of 12 bits in three bytes: 0xFFF and 0x800.
    content = bytearray(file.getvalue())
    first = struct.unpack_from("<I", content, 4)[0]
    for entry in range(struct.unpack_from("<H", content, first)[0]):
        place = first + 2 + 12 * entry
        tag = struct.unpack_from("<H", content, place)[0]
        if tag == 258:
            struct.pack_into("<H", content, place + 8, 12)
        elif tag == 273:
            start = struct.unpack_from("<I", content, place + 8)[0]
        elif tag == 279:
            struct.pack_into("<I", content, place + 8, 3)
    content[start : start + 3] = b"\xff\xf8\x00"
    photo = read_photo_bytes(bytes(content), name="a")
    assert photo.pixels[0, :, 0].tolist() == [65535, round(0x800 * 65535 / 4095)]
    assert photo.bits == 12


@needs_deep_avif
@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("kind", KINDS)
def test_an_avif_keeps_its_depth(bits, kind):
    values = np.dstack([smooth(32, 48), smooth(32, 48)[::-1, :, 0]])
    photo = replace(photo_of(kind, values), bits=bits, exif=exif_bytes(1, 48, 32))
    if not photo.grey:
        photo = replace(photo, icc_profile=wide_profile())
    again = read_photo_bytes(encode_photo(photo, "AVIF"), name="a")
    assert (again.bits, again.format, again.notes, again.icc_profile) == (bits, "AVIF", (), photo.icc_profile)
    assert again.grey == (kind == "grey")
    assert np.abs(again.pixels.astype(int) - photo.pixels).mean() < 65535 / 255
    assert photo.alpha is None or np.abs(again.alpha.astype(int) - photo.alpha).mean() < 65535 / 255
    assert b"A maker" in again.exif
    # More values than 8 bits have.
    assert len(np.unique(again.pixels)) > 256
    # What is kept is the value of the file itself.
    peak = 2**bits - 1
    assert np.array_equal(np.rint(np.rint(again.pixels / 65535 * peak) * 65535 / peak), again.pixels)


@needs_deep_avif
@pytest.mark.parametrize("orientation", sorted(STORED))
def test_a_deep_avif_stands_upright(orientation):
    upright = smooth(40, 64)
    stored = np.ascontiguousarray(STORED[orientation](upright))
    exif = exif_bytes(orientation, 64, 40)
    done, file = cv2.imencodeWithMetadata(
        ".avif",
        np.ascontiguousarray(stored[..., ::-1] >> 6),
        [cv2.IMAGE_METADATA_EXIF],
        [np.frombuffer(exif.removeprefix(b"Exif\0\0"), np.uint8)],
        [cv2.IMWRITE_AVIF_DEPTH, 10, cv2.IMWRITE_AVIF_QUALITY, 95],
    )
    assert done
    turned = read_photo_bytes(file.tobytes(), name="a")
    assert turned.pixels.shape == upright.shape
    assert np.abs(turned.pixels.astype(int) - upright).mean() < 65535 / 255


@pytest.mark.parametrize("orientation", sorted(STORED))
def test_a_deep_heic_keeps_depth_orientation_and_profile(orientation):
    pillow_heif = pytest.importorskip("pillow_heif")
    upright = smooth(48, 64)
    stored = np.ascontiguousarray(STORED[orientation](upright))
    file = io.BytesIO()
    pillow_heif.encode(
        *("RGB;16", stored.shape[1::-1], stored.tobytes(), file),
        quality=100,
        chroma=444,
        exif=exif_bytes(orientation, 64, 48),
        icc_profile=profile(),
    )
    photo = read_photo_bytes(file.getvalue(), name="a")
    assert (photo.bits, photo.format, photo.notes, photo.icc_profile) == (10, "HEIF", (), profile())
    assert photo.pixels.shape == upright.shape
    assert np.abs(photo.pixels.astype(int) - upright).mean() < 65535 / 255
    assert photo.pixels.max() > 50000
    # It is written with as many bits where the format can hold them.
    assert read_photo_bytes(encode_photo(photo, "PNG"), name="b").bits == 16


def test_what_a_format_cannot_hold_is_said():
    photo = photo_from_array(deep())
    for name in ("JPEG", "WEBP", "BMP"):
        assert f"{name} cannot hold its 16 bits a channel: they became 8" in encoding_notes(photo, name)
        assert read_photo_bytes(encode_photo(photo, name), name="a").bits == 8
    lossless = read_photo_bytes(encode_photo(photo, "BMP"), name="a")
    assert np.array_equal(lossless.pixels, np.rint(photo.pixels / 257))
    assert encoding_notes(photo, "PNG") == encoding_notes(photo, "TIFF") == ()


@needs_deep_avif
def test_sixteen_bits_become_twelve_in_avif():
    photo = photo_from_array(smooth(16, 16))
    assert "AVIF cannot hold its 16 bits a channel: they became 12" in encoding_notes(photo, "AVIF")
    assert read_photo_bytes(encode_photo(photo, "AVIF"), name="a").bits == 12


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_an_image_that_pillow_has_opened_is_read_at_its_depth(format_name):
    values = deep()
    image = Image.open(io.BytesIO(encode_photo(photo_from_array(values), format_name)))
    assert np.array_equal(photo_from_image(image).pixels, values)
    # It is as it was, for whoever goes on with it.
    assert np.array_equal(np.asarray(image), (values >> 8).astype(np.uint8))
    # Once it is loaded, there are 8 bits of it.
    assert photo_from_image(image).bits == 8


def test_a_grey_pillow_image_of_sixteen_bits_keeps_them():
    values = deep(channels=1)[..., 0]
    photo = photo_from_image(Image.fromarray(values))
    assert (photo.bits, photo.grey) == (16, True)
    assert np.array_equal(photo.pixels[..., 2], values)


def test_metadata_of_a_deep_photo_is_kept():
    photo = replace(
        photo_from_array(deep()),
        xmp=b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="r"/></x:xmpmeta>',
        texts=(Text("Author", "somebody"),),
        iptc=b"\x1c\x02\x00\x00\x02\x00\x02\x00",
    )
    png, tiff = (read_photo_bytes(encode_photo(photo, name), name="a") for name in ("PNG", "TIFF"))
    assert (png.xmp, png.texts) == (photo.xmp, photo.texts)
    assert (tiff.xmp, tiff.iptc) == (photo.xmp, photo.iptc)


def test_depth_and_type_belong_together():
    photo = photo_from_array(picture())
    with pytest.raises(ValueError, match="16 bits and uint8 pixels"):
        replace(photo, bits=16)
    with pytest.raises(ValueError, match="8 bits and uint16 pixels"):
        replace(photo, pixels=deep())
    with pytest.raises(ValueError, match="keep the size and the type"):
        photo.with_pixels(deep())
    assert photo.with_bits(8) is photo
    sixteen = photo.with_bits(16)
    assert (sixteen.bits, sixteen.pixels.max(), sixteen.pixels.dtype) == (16, 257 * int(photo.pixels.max()), np.uint16)
    assert np.array_equal(sixteen.with_bits(8).pixels, photo.pixels)


@settings(max_examples=60, deadline=None)
@given(
    cut=st.floats(0, 1),
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=4),
    kind=st.sampled_from(KINDS),
    format_name=st.sampled_from(["PNG", "TIFF", *(["AVIF"] if "AVIF" in DEEPEST else [])]),
)
def test_a_damaged_deep_file_is_a_photo_or_one_clear_line(cut, flips, kind, format_name):
    content = bytearray(encode_photo(photo_of(kind, deep(9, 11, 4)), format_name))
    for place, change in flips:
        content[place % len(content)] ^= change
    content = bytes(content[: max(1, round(cut * len(content)))])
    try:
        photo = read_photo_bytes(content, name="a")
    except PhotoError as error:
        assert str(error).isprintable()
    else:
        assert isinstance(photo, Photo)


@pytest.mark.parametrize("grey", [False, True])
def test_colours_of_a_deep_crop_are_not_rounded(grey):
    bridge = ColourBridge(grey_profile() if grey else wide_profile(), grey=grey)
    ramp = np.repeat(np.linspace(0.2, 0.3, 1000, dtype=np.float32)[None, :, None], 3, axis=2)
    view = bridge.to_srgb(ramp)
    assert len(np.unique(view[..., 1])) == 1000
    # There and back within a level of 16 bits.
    residual = bridge.residual(view, bridge.to_srgb(ramp[:, ::-1]))
    assert np.abs(ramp + residual - ramp[:, ::-1]).max() < 1 / 65535


def test_without_metadata_a_deep_photo_becomes_srgb_at_its_depth():
    photo = replace(photo_from_array(deep(300, 9)), icc_profile=wide_profile())
    bare = photo.without_metadata()
    assert (bare.bits, bare.icc_profile) == (16, None)
    shallow = photo.with_bits(8).without_metadata()
    # In 8 bits dark colours are coarse, so that only the mean can agree.
    assert np.abs(eight_bits(bare.pixels).astype(int) - shallow.pixels).mean() <= 0.5
    assert len(np.unique(bare.pixels)) > 1000
