"""Gain maps and videos behind a photo are left out with a note, and the output does not claim to have them."""

import io

import numpy as np
import pytest
from PIL import Image

from snadnet.photo import encode_photo, photo_from_image, read_photo_bytes
from support.photo_samples import picture

NOTE = "what is appended to it (such as a gain map or a video) is left out"
PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"%b'
    b' dc:source="me">%b<dc:title>T</dc:title></rdf:Description></rdf:RDF></x:xmpmeta>'
)
CLEAN = PACKET % (b"", b"")
HDRGM = b' xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"'
CAMERA = b' xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"'
VIDEO = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"v" * 100


def jpeg(seed=0, **options):
    stream = io.BytesIO()
    Image.fromarray(picture(40, 30, seed=seed)).save(stream, "JPEG", **options)
    return stream.getvalue()


def read(data):
    return read_photo_bytes(data, name="a")


@pytest.mark.parametrize(
    ("attributes", "elements"),
    [
        (HDRGM + b' hdrgm:Version="1.0"', b""),
        (HDRGM + b" hdrgm:Version='1.0' hdrgm:GainMapMax=\"2\"", b""),
        (b"", b"<hdrgm:Version" + HDRGM + b">1.0</hdrgm:Version>"),
        (HDRGM, b"<hdrgm:GainMapMax><rdf:Seq><rdf:li>2</rdf:li></rdf:Seq></hdrgm:GainMapMax><hdrgm:BaseIs/>"),
        (CAMERA + b' GCamera:MicroVideo="1" GCamera:MicroVideoOffset="22" GCamera:MotionPhoto="1"', b""),
        (HDRGM.replace(b"hdrgm", b"other") + b' other:Version="1.0"', b""),
    ],
)
def test_the_claim_is_taken_out_of_the_xmp_and_the_rest_of_it_stays(attributes, elements):
    photo = read(jpeg(xmp=PACKET % (attributes, elements)))
    assert photo.notes == (NOTE,)
    assert photo.xmp == CLEAN
    assert b"gain" not in encode_photo(photo, "JPEG")


def test_what_else_a_camera_says_stays():
    photo = read(jpeg(xmp=PACKET % (CAMERA + b' GCamera:BurstID="7"', b"")))
    assert (photo.xmp, photo.notes) == (PACKET % (CAMERA + b' GCamera:BurstID="7"', b""), ())
    photo = read(jpeg(xmp=PACKET % (CAMERA + b' GCamera:MotionPhoto="1" GCamera:BurstID="7"', b"")))
    assert (photo.xmp, photo.notes) == (PACKET % (CAMERA + b' GCamera:BurstID="7"', b""), (NOTE,))


@pytest.mark.parametrize("elements", [b"<hdrgm:Version>1.0", b"</hdrgm:Version>", b"<hdrgm:A><hdrgm:A></hdrgm:B>"])
def test_a_claim_that_cannot_be_taken_out_takes_the_xmp_with_it(elements):
    photo = read(jpeg(xmp=PACKET % (HDRGM + b' hdrgm:Version="1"', elements)))
    assert (photo.xmp, photo.notes) == (None, (NOTE,))


@pytest.mark.parametrize("piece", [b" hdrgm:a='", b"<hdrgm:a>", b" " * 10, b"<hdrgm:a ", b'xmlns:hdrgm="'])
def test_a_hostile_packet_takes_no_time(piece):
    read_photo_bytes(jpeg_with_packet(PACKET % (HDRGM + b" hdrgm:a='1'", piece * (900_000 // len(piece)))), name="a")


def jpeg_with_packet(packet):
    """WebP takes packets of any length."""
    stream = io.BytesIO()
    Image.fromarray(picture()).save(stream, "WEBP", xmp=packet)
    return stream.getvalue()


@pytest.mark.parametrize(
    "trailer",
    [VIDEO, b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + VIDEO + b"SEFH\x6b\0\0\0SEFT", b"Image_UTC_DataSEFT", jpeg(1)],
)
def test_a_video_or_image_behind_the_pixels_gets_a_note(trailer):
    photo = read(jpeg() + trailer)
    assert photo.notes == (NOTE,)
    assert len(encode_photo(photo, "JPEG")) < len(jpeg()) + 100
    assert read(encode_photo(photo, "JPEG")).notes == ()


def test_one_note_is_enough():
    data = jpeg(xmp=PACKET % (HDRGM + b' hdrgm:Version="1.0"', b"")) + jpeg(1)
    assert read(data).notes == (NOTE,)


@pytest.mark.parametrize("trailer", [b"", b"\0" * 500, b"\xff\xd9", b"\r\n"])
def test_padding_needs_no_note(trailer):
    assert read(jpeg() + trailer).notes == ()


@pytest.mark.parametrize("options", [{"progressive": True}, {"comment": b"\xff\xd9" + VIDEO}])
def test_pixels_and_comments_are_not_taken_for_what_follows(options):
    assert NOTE not in read(jpeg(**options)).notes


def test_a_second_part_of_the_xmp_gets_a_note():
    name = b' xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="%b"' % (b"0" * 32)
    photo = read(jpeg(xmp=PACKET % (name, b"")))
    assert b"HasExtendedXMP" not in photo.xmp
    assert photo.notes == ("the second part of its XMP is left out",)


@pytest.mark.parametrize(("format_name", "words"), [("PNG", "frame 3 of 4"), ("TIFF", "page 3 of several")])
def test_a_pillow_image_at_a_later_frame_is_called_that(format_name, words):
    stream = io.BytesIO()
    first, *others = (Image.fromarray(picture(seed=seed)) for seed in range(4))
    first.save(stream, format_name, save_all=True, append_images=others)
    image = Image.open(stream)
    assert photo_from_image(image).notes[0].startswith("first of ")
    image.seek(2)
    photo = photo_from_image(image)
    assert photo.notes == (words,)
    assert np.array_equal(photo.pixels, picture(seed=2))
