import functools
import io
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from snadnet.errors import OutputExistsError, PhotoError
from snadnet.photo import (
    SUFFIXES,
    Limits,
    photo_from_array,
    photo_from_image,
    read_photo,
    write_photo,
)
from support.photo_samples import exif_bytes, picture, profile


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_values_without_a_range_are_refused_in_words(tmp_path, dtype):
    Image.fromarray(np.zeros((4, 4), dtype)).save(tmp_path / "a.tif")
    words = "has floating-point or signed values, or more than 16 bits a channel; save a copy of it with 16"
    with pytest.raises(PhotoError, match=rf"a\.tif: {words}"):
        read_photo(tmp_path / "a.tif")
    with Image.open(tmp_path / "a.tif") as image, pytest.raises(PhotoError, match=f"the image: {words}"):
        photo_from_image(image)


@pytest.mark.parametrize(
    "broken",
    [
        b"Exif\0\0rubbish, not a directory",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 30,
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\xff\xff\xff\xff\0\0\0\0",
        b"Exif\0\0",
    ],
)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_broken_exif_does_not_stop_a_read(tmp_path, suffix, broken, recwarn):
    Image.fromarray(picture()).save(tmp_path / f"a{suffix}", exif=broken)
    recwarn.clear()
    photo = read_photo(tmp_path / f"a{suffix}")
    assert photo.pixels.shape == (5, 7, 3)
    assert not recwarn.list
    write_photo(photo, tmp_path / f"b{suffix}")


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".bmp"])
def test_alpha_in_a_format_without_it_is_refused(tmp_path, suffix):
    photo = photo_from_array(picture(channels=4))
    with pytest.raises(PhotoError, match="cannot hold the photo's transparency; choose PNG"):
        write_photo(photo, tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_a_format_outside_the_list_is_refused(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.jpg", format="GIF")
    with pytest.raises(PhotoError, match=r"a\.jpg: is not a photo that can be read; give a JPEG, PNG"):
        read_photo(tmp_path / "a.jpg")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".bmp", ".avif"])
def test_a_cut_file_is_one_clear_error(tmp_path, suffix):
    if suffix not in SUFFIXES:
        pytest.skip("this Pillow has no AVIF")
    path = tmp_path / f"a{suffix}"
    Image.fromarray(picture(30, 40)).save(path)
    whole = path.read_bytes()
    for length in range(1, len(whole) - 30, max(1, len(whole) // 40)):
        path.write_bytes(whole[:length])
        with pytest.raises(PhotoError, match=r"damaged or cut short|is not a photo") as caught:
            read_photo(path)
        assert "\n" not in str(caught.value)


@functools.cache
def encoded(format_name):
    stream = io.BytesIO()
    image = Image.fromarray(picture(12, 12))
    image.save(stream, format=format_name, exif=exif_bytes(), icc_profile=profile())
    return stream.getvalue()


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(suffix=st.sampled_from(sorted(SUFFIXES)), data=st.data())
def test_flipped_bytes_give_a_photo_or_one_clear_error(tmp_path, suffix, data):
    content = bytearray(encoded(SUFFIXES[suffix]))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    try:
        photo = read_photo(path)
    except PhotoError as error:
        assert str(error).startswith(str(path))
        assert "\n" not in str(error)
    else:
        write_photo(photo, tmp_path / "b.png", overwrite=True)


def test_what_is_no_photo_is_told_in_words(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("not a picture")
    os.mkfifo(tmp_path / "pipe.jpg")
    for name, words in {
        "missing.jpg": "no such file",
        "empty.jpg": "is empty",
        "text.jpg": "is not a photo",
        "pipe.jpg": "is not a regular file",
        ".": "is a folder",
        "a\nb.jpg": r"a\\nb.jpg: no such file",
        "x" * 300: "cannot be opened",
        "nul\0.jpg": "cannot be opened",
    }.items():
        with pytest.raises(PhotoError, match=words) as caught:
            read_photo(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_limits_hold_before_pixels_are_decoded(tmp_path, monkeypatch):
    Image.fromarray(picture(20, 30)).save(tmp_path / "a.png")
    read_photo(tmp_path / "a.png", limits=Limits(max_pixels=600))
    monkeypatch.setattr(Image.Image, "load", lambda _image: pytest.fail("decoded"))
    with pytest.raises(PhotoError, match=r"a\.png: is 30 x 20 pixels .* limit"):
        read_photo(tmp_path / "a.png", limits=Limits(max_pixels=599))
    with pytest.raises(PhotoError, match=r"a\.png: is .* MB large"):
        read_photo(tmp_path / "a.png", limits=Limits(max_file_bytes=100))


# Below and above the size that Pillow itself refuses to open.
@pytest.mark.parametrize("side", [8_000, 14_000])
def test_a_decompression_bomb_is_refused(tmp_path, side):
    path = tmp_path / "a.png"
    Image.new("1", (side, side)).save(path)
    with pytest.raises(PhotoError, match=r"pixels|far too large"):
        read_photo(path)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 4, 2), np.uint8), "shape"),
        (np.zeros((0, 4, 3), np.uint8), "shape"),
        (np.zeros(4, np.uint8), "shape"),
        (np.zeros((4, 4, 3), np.int16), "type int16"),
        (np.full((4, 4, 3), 255.0), "outside"),
        (np.full((4, 4, 3), np.nan), "outside"),
    ],
)
def test_other_arrays_are_refused(array, words):
    with pytest.raises(PhotoError, match=words):
        photo_from_array(array)


def test_an_existing_file_is_kept_unless_overwriting(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(OutputExistsError, match=r"a\.png: exists already; .* --overwrite"):
        write_photo(photo_from_array(picture()), path)
    assert path.read_bytes() == b"old"
    write_photo(photo_from_array(picture()), path, overwrite=True)
    assert np.array_equal(read_photo(path).pixels, picture())


def test_a_dangling_link_counts_as_existing(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(OutputExistsError):
        write_photo(photo_from_array(picture()), tmp_path / "a.png")


@pytest.mark.parametrize("broken", ["encode", "replace"])
def test_a_failing_write_leaves_nothing_and_the_old_file_whole(tmp_path, monkeypatch, broken):
    (tmp_path / "a.png").write_bytes(b"old")

    def fail(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    owner, name = {"encode": (Image.Image, "save"), "replace": (Path, "replace")}[broken]
    monkeypatch.setattr(owner, name, fail)
    with pytest.raises(PhotoError, match="No space left on device"):
        write_photo(photo_from_array(picture()), tmp_path / "a.png", overwrite=True)
    with pytest.raises(PhotoError):
        write_photo(photo_from_array(picture()), tmp_path / "b.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"old"


def test_what_cannot_be_written_is_told_in_words(tmp_path):
    photo = photo_from_array(picture())
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    for name, words in {
        "a.gif": "unknown photo format",
        "a": "unknown photo format",
        "folder.png": "is a folder",
        "file/a.png": "cannot be written",
        "x" * 300 + ".png": "cannot be written",
    }.items():
        with pytest.raises(PhotoError, match=words):
            write_photo(photo, tmp_path / name)
    wide = photo_from_array(np.zeros((1, 20_000, 3), np.uint8))
    with pytest.raises(PhotoError, match="WEBP cannot hold this photo"):
        write_photo(wide, tmp_path / "a.webp")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.png"]


def test_a_new_file_has_ordinary_permissions(tmp_path):
    write_photo(photo_from_array(picture()), tmp_path / "a.png")
    (tmp_path / "b").touch()
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == stat.S_IMODE((tmp_path / "b").stat().st_mode)
