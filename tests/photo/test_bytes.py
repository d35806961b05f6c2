"""Reading from bytes, limits, encoding to bytes, and HEIC."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from snadnet.errors import ConfigError, OutputExistsError, PhotoError
from snadnet.photo import (
    FORMATS,
    INPUT_SUFFIXES,
    SUFFIXES,
    Limits,
    encode_photo,
    photo_from_array,
    photo_from_image,
    read_photo,
    read_photo_bytes,
    write_bytes,
    write_photo,
)
from support.photo_samples import exif_bytes, picture

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)


def test_bytes_are_read_as_a_file_is(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.png", exif=exif_bytes(6), dpi=(300, 300))
    from_file = read_photo(tmp_path / "a.png")
    from_bytes = read_photo_bytes((tmp_path / "a.png").read_bytes(), name="standard input")
    assert np.array_equal(from_bytes.pixels, from_file.pixels)
    assert (from_bytes.exif, from_bytes.dpi, from_bytes.path) == (from_file.exif, from_file.dpi, None)


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "is empty"), (b"nothing", "is not a photo"), (b"\x89PNG\r\n\x1a\n" + bytes(90), "is not a photo")],
)
def test_errors_about_bytes_name_them_on_one_line(data, words):
    with pytest.raises(PhotoError, match=rf"^standard\\ninput: {words}") as caught:
        read_photo_bytes(data, name="standard\ninput")
    assert str(caught.value).isprintable()


def test_limits_hold_for_bytes_and_images():
    data = encode_photo(photo_from_array(picture(20, 30)), "PNG")
    exact = Limits(max_file_bytes=len(data), max_pixels=600)
    assert read_photo_bytes(data, name="a", limits=exact).pixels.shape == (20, 30, 3)
    with pytest.raises(PhotoError, match=r"a: is 0\.0 MB large, more than the limit of .* MB; save it smaller"):
        read_photo_bytes(data, name="a", limits=Limits(max_file_bytes=len(data) - 1))
    with pytest.raises(PhotoError, match=r"a: is 30 x 20 pixels \(0\.0 Mpx\), more than the limit of 0\.000599 Mpx"):
        read_photo_bytes(data, name="a", limits=Limits(max_pixels=599))
    with pytest.raises(PhotoError, match="the image: is 30 x 20 pixels"):
        photo_from_image(Image.open(io.BytesIO(data)), limits=Limits(max_pixels=599))


@pytest.mark.parametrize("name", ["max_file_bytes", "max_pixels"])
def test_a_limit_below_one_is_refused(name):
    with pytest.raises(ConfigError, match=rf"{name} 0 is out of range"):
        Limits(**{name: 0})


@pytest.mark.parametrize("format_name", FORMATS)
def test_encoding_gives_the_bytes_that_are_written(tmp_path, format_name):
    ending = next(ending for ending, name in SUFFIXES.items() if name == format_name)
    photo = photo_from_array(picture(16, 16))
    data = encode_photo(photo, format_name)
    write_photo(photo, tmp_path / f"a{ending}")
    assert (tmp_path / f"a{ending}").read_bytes() == data
    assert read_photo_bytes(data, name="a").format == format_name


def test_what_cannot_be_encoded_is_told_in_words():
    with pytest.raises(PhotoError, match=r"^the photo: unknown photo format GIF; choose JPEG, PNG"):
        encode_photo(photo_from_array(picture()), "GIF")
    with pytest.raises(PhotoError, match=r"^b: JPEG cannot hold the photo's transparency"):
        encode_photo(photo_from_array(picture(channels=4)), "JPEG", name="b")
    with pytest.raises(PhotoError, match=r"^the photo: JPEG cannot hold this photo"):
        encode_photo(photo_from_array(np.zeros((1, 70_000, 3), np.uint8)), "JPEG")


def test_bytes_are_written_whole_and_never_over_a_file(tmp_path):
    write_bytes(b"one", tmp_path / "new" / "a.json", overwrite=False)
    with pytest.raises(OutputExistsError, match=r"a\.json: exists already"):
        write_bytes(b"two", tmp_path / "new" / "a.json", overwrite=False)
    assert (tmp_path / "new" / "a.json").read_bytes() == b"one"
    write_bytes(b"two", tmp_path / "new" / "a.json", overwrite=True)
    assert (tmp_path / "new" / "a.json").read_bytes() == b"two"
    for name, words in {"new": "is a folder", "nul\0": "cannot be written", "x" * 300: "cannot be written"}.items():
        with pytest.raises(PhotoError, match=words):
            write_bytes(b"three", tmp_path / name, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_lossless_webp_stays_lossless():
    image = Image.fromarray(picture(16, 16))
    for lossless in (True, False):
        stream = io.BytesIO()
        image.save(stream, "WEBP", lossless=lossless, exif=exif_bytes(1))
        photo = read_photo_bytes(stream.getvalue(), name="a")
        assert photo.lossless == lossless
        again = read_photo_bytes(encode_photo(photo, "WEBP"), name="a")
        assert np.array_equal(again.pixels, photo.pixels) == lossless


def test_heic_without_its_extra_tells_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for brand in (b"heic", b"mif1"):
        with pytest.raises(PhotoError, match=r"^a: is a HEIC photo, .*; pip install 'snadnet\[heic\]', or save"):
            read_photo_bytes(HEIC.replace(b"heic", brand, 1), name="a")


def test_heic_is_read_with_its_extra():
    pillow_heif = pytest.importorskip("pillow_heif")
    assert {".heic", ".heif"} <= INPUT_SUFFIXES
    image = Image.new("RGB", (64, 32), (200, 30, 40))
    stream = io.BytesIO()
    pillow_heif.from_pillow(image).save(stream, quality=90, exif=exif_bytes(1, 64, 32))
    photo = read_photo_bytes(stream.getvalue(), name="a")
    assert (photo.format, photo.lossless, photo.notes) == ("HEIF", False, ())
    assert photo.pixels.shape == (32, 64, 3)
    assert np.abs(photo.pixels.astype(int) - (200, 30, 40)).max() <= 6
    assert b"A maker" in photo.exif
    with pytest.raises(PhotoError, match=r"a: is 64 x 32 pixels"):
        read_photo_bytes(stream.getvalue(), name="a", limits=Limits(max_pixels=2000))
    with pytest.raises(PhotoError, match=r"damaged|not a photo"):
        read_photo_bytes(HEIC, name="a")
    with pytest.raises(PhotoError, match=r"damaged|not a photo"):
        read_photo_bytes(stream.getvalue()[:-100], name="a")


def test_suffixes_to_look_for_are_those_that_are_read():
    assert set(SUFFIXES) <= INPUT_SUFFIXES <= {*SUFFIXES, ".heic", ".heif"}
