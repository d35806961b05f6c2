"""Metadata is kept where the output can hold it, and a note names what is not."""

import io

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from snadnet.photo import (
    MAX_METADATA_BYTES,
    SUFFIXES,
    Text,
    encode_photo,
    encoding_notes,
    photo_from_array,
    read_photo_bytes,
)
from support.photo_samples import exif_bytes, picture, profile

WITH_XMP = [name for name in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF") if name in SUFFIXES.values()]
PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description tiff:Orientation="%d" tiff:ImageWidth="7"'
    b" exif:PixelYDimension='5'><tiff:ImageLength>5</tiff:ImageLength><dc:title>T\xc3\xadtulo</dc:title>%b"
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)
THUMBNAIL = b"<xmp:Thumbnails><rdf:Alt>aGVsbG8=</rdf:Alt></xmp:Thumbnails>"
CAPTION = b"\x1c\x02\x78\x00\x05Hello"


def encoded(format_name, size=(7, 5), **options):
    stream = io.BytesIO()
    if format_name == "PNG" and "xmp" in options:
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", options.pop("xmp"))
    if format_name == "TIFF" and "xmp" in options:
        options["tiffinfo"] = {700: options.pop("xmp")}
    Image.fromarray(picture(size[1], size[0])).save(stream, format_name, **options)
    return stream.getvalue()


def read(data):
    return read_photo_bytes(data, name="a")


def trip(photo, format_name):
    return read(encode_photo(photo, format_name))


@pytest.mark.parametrize("source", ["JPEG", "PNG", "TIFF", "BMP"])
@pytest.mark.parametrize("target", ["JPEG", "PNG", "TIFF", "BMP"])
def test_the_resolution_is_kept(source, target):
    photo = read(encoded(source, dpi=(300, 150)))
    assert photo.dpi == pytest.approx((300, 150), rel=1e-3)
    assert trip(photo, target).dpi == pytest.approx((300, 150), rel=1e-3)


@pytest.mark.parametrize("source", ["JPEG", "PNG", "TIFF"])
def test_the_resolution_turns_with_the_picture(source):
    exif = Image.Exif()
    exif.load(exif_bytes(6))
    exif[ExifTags.Base.XResolution], exif[ExifTags.Base.YResolution] = 300.0, 150.0
    exif[ExifTags.Base.ResolutionUnit] = 2
    photo = read(encoded(source, dpi=(300, 150), exif=exif))
    assert photo.pixels.shape == (7, 5, 3)
    assert photo.dpi == pytest.approx((150, 300), rel=1e-3)
    again = Image.Exif()
    again.load(photo.exif)
    assert (again[ExifTags.Base.XResolution], again[ExifTags.Base.YResolution]) == (150, 300)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "TIFF", "BMP"])
def test_no_resolution_is_made_up(format_name):
    if format_name != "BMP":
        assert read(encoded(format_name, exif=exif_bytes())).dpi is None
    assert trip(photo_from_array(picture()), format_name).dpi is None


@pytest.mark.parametrize("dpi", [(0, 0), (1e9, 1e9), (0.001, 300)])
def test_an_absurd_resolution_is_left_out(dpi):
    assert read(encoded("TIFF", dpi=dpi)).dpi is None


def test_texts_of_a_png_are_kept():
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Author", "J\xfcrgen")
    chunks.add_text("parameters", "steps: 20\nseed: 1", zip=True)
    chunks.add_itxt("Title", "顔", "ja", "題名")
    chunks.add_text("Comment", "hello")
    photo = read(encoded("PNG", pnginfo=chunks))
    assert set(photo.texts) == {
        Text("Author", "J\xfcrgen"),
        Text("parameters", "steps: 20\nseed: 1"),
        Text("Title", "顔", "ja", "題名"),
        Text("Comment", "hello"),
    }
    assert photo.notes == ()
    assert set(trip(photo, "PNG").texts) == set(photo.texts)
    assert encoding_notes(photo, "PNG") == ()
    assert trip(photo, "JPEG").texts == (Text("Comment", "hello"),)
    assert "JPEG cannot hold all of its texts" in encoding_notes(photo, "JPEG")
    assert "WEBP cannot hold its texts" in encoding_notes(photo, "WEBP")


@pytest.mark.parametrize("comment", ["caf\xe9".encode(), "caf\xe9".encode("latin-1"), b"caf\xc3\xa9\0"])
def test_the_comment_of_a_jpeg_is_kept(comment):
    photo = read(encoded("JPEG", comment=comment))
    assert photo.texts == (Text("Comment", "caf\xe9"),)
    assert trip(photo, "JPEG").texts == trip(photo, "PNG").texts == photo.texts


def test_texts_are_bounded_together():
    chunks = PngImagePlugin.PngInfo()
    for number in range(4):
        chunks.add_text(f"key {number}", "x" * (MAX_METADATA_BYTES // 3))
    chunks.add_text("Raw profile type iptc", "00")
    chunks.add_text("k" * 200, "a keyword that is too long")
    photo = read(encoded("PNG", pnginfo=chunks))
    assert [text.keyword for text in photo.texts] == ["key 0", "key 1"]
    assert photo.notes == ("some of its texts are damaged or too large and are left out",)


@pytest.mark.parametrize("format_name", WITH_XMP)
def test_xmp_is_kept_and_made_true(format_name):
    photo = read(encoded(format_name, xmp=PACKET % (6, THUMBNAIL)))
    # XMP alone says that the picture lies on its side.
    assert photo.pixels.shape == (7, 5, 3)
    assert photo.exif is None
    expected = (PACKET % (1, b"")).replace(b'Width="7"', b'Width="5"').replace(b"'5'", b"'7'").replace(b">5<", b">7<")
    assert photo.xmp == expected
    assert photo.notes == ()
    for target in WITH_XMP:
        assert trip(photo, target).xmp == expected
    assert encoding_notes(photo, "BMP") == ("BMP cannot hold its XMP",)


@pytest.mark.parametrize(
    ("packet", "note"),
    [
        (b"\xff\xfe not UTF-8 <rdf:RDF>", "its XMP is damaged and is left out"),
        (b"no XMP at all", "its XMP is damaged and is left out"),
        (b"<rdf:RDF>" + b" " * MAX_METADATA_BYTES, "its XMP is too large and is left out"),
        (
            PACKET % (1, b'<Container:Directory xmlns:Container="http://ns.google.com/photos/1.0/container/"/>'),
            "what is appended to it (such as a gain map or a video) is left out",
        ),
    ],
)
def test_xmp_that_cannot_be_kept_is_left_out(packet, note):
    photo = read(encoded("WEBP", xmp=packet))
    assert photo.xmp is None
    assert photo.notes == (note,)


def test_a_packet_full_of_openings_takes_no_time():
    packet = b"<rdf:RDF>" + b"<xmp:Thumbnails" * (MAX_METADATA_BYTES // 20) + b" " * 100_000
    assert read(encoded("WEBP", xmp=packet)).xmp == packet


def test_xmp_beyond_a_jpeg_segment_is_left_out_of_a_jpeg():
    photo = read(encoded("PNG", xmp=PACKET % (1, b" " * 70_000)))
    assert photo.xmp is not None
    assert trip(photo, "JPEG").xmp is None
    assert "JPEG cannot hold its XMP" in encoding_notes(photo, "JPEG")


def test_the_caption_of_a_press_photo_is_kept():
    block = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + len(CAPTION).to_bytes(4) + CAPTION
    photo = read(encoded("JPEG", extra=b"\xff\xed" + (len(block) + 2).to_bytes(2) + block))
    assert photo.iptc == CAPTION
    assert trip(photo, "JPEG").iptc == trip(photo, "TIFF").iptc == CAPTION
    assert "PNG cannot hold its IPTC record" in encoding_notes(photo, "PNG")


def raw_exif(*entries):
    """EXIF of ASCII entries (tag, four bytes)."""
    body = b"".join(tag.to_bytes(2, "little") + b"\2\0\4\0\0\0" + value for tag, value in entries)
    return b"Exif\0\0II*\0\x08\0\0\0" + len(entries).to_bytes(2, "little") + body + bytes(4)


def test_of_damaged_exif_the_sound_part_is_kept():
    # A resolution is a fraction, never a word.
    photo = read(encoded("JPEG", exif=raw_exif((0x010F, b"abc\0"), (0x011A, b"xyz\0"))))
    assert photo.notes == ("a part of its EXIF is damaged",)
    exif = Image.Exif()
    exif.load(photo.exif)
    assert dict(exif) == {0x010F: "abc"}


@pytest.mark.parametrize("broken", [b"Exif\0\0rubbish", b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 30])
def test_damaged_exif_is_left_out_with_a_note(broken):
    photo = read(encoded("PNG", exif=broken))
    assert photo.exif is None
    assert photo.notes == ("its EXIF is damaged and is left out",)


def test_where_the_pixels_were_is_no_part_of_exif():
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 273: 4000, ExifTags.IFD.Exif: 8})
    photo = read(encoded("JPEG", exif=exif.tobytes()))
    # Pillow would take the place of the strips for that in the new file.
    again = Image.Exif()
    again.load(trip(photo, "TIFF").exif)
    assert again.get_ifd(ExifTags.IFD.GPSInfo) == {1: "N"}


def test_an_odd_value_in_exif_does_not_stop_a_tiff():
    exif = Image.Exif()
    exif[ExifTags.Base.ResolutionUnit] = 65535
    photo = read(encoded("JPEG", exif=exif))
    assert np.array_equal(trip(photo, "TIFF").pixels, photo.pixels)


def test_empty_exif_needs_no_note():
    assert read(encoded("PNG", exif=b"Exif\0\0II*\0\x08\0\0\0" + bytes(6))).notes == ()


def test_a_profile_that_is_too_large_is_left_out_with_a_note():
    photo = read(encoded("TIFF", icc_profile=profile() + bytes(MAX_METADATA_BYTES)))
    assert photo.icc_profile is None
    assert photo.notes == ("its colour profile is too large or damaged and is left out",)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_without_metadata_nothing_is_left(format_name):
    options = {"icc_profile": profile(), "dpi": (300, 300), "exif": exif_bytes()}
    photo = read(encoded("JPEG", xmp=PACKET % (1, b""), comment=b"hello", **options))
    assert all((photo.icc_profile, photo.exif, photo.xmp, photo.texts, photo.dpi))
    assert b"A maker" in encode_photo(photo, format_name)
    data = encode_photo(photo.without_metadata(), format_name)
    for trace in (b"A maker", b"ICC", b"rdf:RDF", b"hello", b"Exif", b"pHYs"):
        assert trace not in data
    bare = read(data)
    assert not any((bare.icc_profile, bare.exif, bare.xmp, bare.iptc, bare.texts, bare.dpi))
    if format_name in {"PNG", "TIFF"}:
        assert np.array_equal(bare.pixels, photo.pixels)


def test_a_changed_compression_is_told():
    assert encoding_notes(read(encoded("JPEG")), "JPEG") == ()
    assert encoding_notes(read(encoded("PNG")), "JPEG") == ("JPEG quality 95, 4:4:4",)
    assert encoding_notes(read(encoded("JPEG")), "WEBP") == ("WEBP quality 95",)
    assert encoding_notes(read(encoded("PNG")), "WEBP") == ()


def test_big_tiff_gives_ordinary_exif():
    stream = io.BytesIO()
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[ExifTags.Base.Make] = "A maker"
    Image.fromarray(picture()).save(stream, "TIFF", big_tiff=True, tiffinfo=tags)
    again = trip(read(stream.getvalue()), "JPEG")
    exif = Image.Exif()
    exif.load(again.exif)
    assert dict(exif) == {ExifTags.Base.Make: "A maker"}
