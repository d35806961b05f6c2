"""Wide-gamut photos: the network sees sRGB, and the photo keeps its own colours."""

import io

import numpy as np
import pytest
from PIL import Image

from snadnet.photo import (
    FORMATS,
    ColourBridge,
    encode_photo,
    encoding_notes,
    photo_from_array,
    read_photo,
    read_photo_bytes,
    write_photo,
)
from support.photo_samples import grey_profile, picture, profile, wide_profile, wide_to_srgb, with_space


def crop(pixels):
    return pixels.astype(np.float32) / np.float32(255)


def levels(values):
    return np.rint(values * 255).astype(int)


@pytest.fixture
def wide_photo(tmp_path):
    Image.fromarray(picture(30, 40)).save(tmp_path / "wide.png", icc_profile=wide_profile())
    return read_photo(tmp_path / "wide.png")


def test_a_crop_becomes_srgb_as_the_two_spaces_are_defined():
    pixels = picture(30, 40)
    result = levels(ColourBridge(wide_profile()).to_srgb(crop(pixels)))
    # Eight bits of a dark colour are coarse: the curves are steep there.
    assert np.abs(result - wide_to_srgb(pixels)).max() <= 3
    assert np.abs(result - wide_to_srgb(pixels)).mean() <= 0.5
    assert np.abs(result - pixels).max() >= 20


def test_what_did_not_change_has_no_residual_even_outside_srgb():
    bridge = ColourBridge(wide_profile())
    pure_green = np.zeros((4, 4, 3), np.float32)
    pure_green[..., 1] = 1
    for before in (crop(picture(30, 40)), pure_green):
        view = bridge.to_srgb(before)
        assert not bridge.residual(view, view).any()
        # Nor is a small change rounded to none.
        assert np.abs(bridge.residual(view, view * np.float32(0.999))).max() < 0.002
        assert bridge.residual(view, view * np.float32(0.999)).any()


def test_a_change_comes_back_in_the_own_colours():
    bridge = ColourBridge(wide_profile())
    before = np.random.default_rng(0).integers(90, 160, (20, 20, 3), np.uint8)
    after = np.random.default_rng(1).integers(90, 160, (20, 20, 3), np.uint8)
    residual = bridge.residual(bridge.to_srgb(crop(before)), bridge.to_srgb(crop(after)))
    assert residual.dtype == np.float32
    assert np.abs(levels(crop(before) + residual) - after).max() <= 2


@pytest.mark.parametrize("icc", [None, profile(), b"broken", wide_profile()[:200], with_space(wide_profile(), b"CMYK")])
def test_what_is_srgb_or_unusable_is_left_alone(icc):
    bridge = ColourBridge(icc)
    before, after = crop(picture(seed=1)), crop(picture(seed=2))
    assert bridge.to_srgb(before) is before
    assert np.array_equal(bridge.residual(before, after), after - before)


def test_a_grey_photo_goes_there_and_back_as_grey():
    bridge = ColourBridge(grey_profile(), grey=True)
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    view = bridge.to_srgb(crop(ramp))
    linear = (ramp / 255) ** 1.8
    expected = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(levels(view) - 255 * expected).max() <= 2
    residual = bridge.residual(view, np.roll(view, -9, axis=1))
    assert np.array_equal(residual[..., 0], residual[..., 2])
    # From the darkest tones on, where two of them can share one level.
    assert np.abs(levels(crop(ramp) + residual)[:, 20:-9] - ramp[:, 29:]).max() <= 2


def test_without_metadata_the_pixels_are_srgb(wide_photo):
    bare = wide_photo.without_metadata()
    assert bare.icc_profile is None
    assert np.abs(bare.pixels - wide_to_srgb(wide_photo.pixels)).max() <= 3
    plain = photo_from_array(picture())
    assert plain.without_metadata().pixels is plain.pixels


def test_a_format_without_profiles_gets_srgb(wide_photo, tmp_path):
    write_photo(wide_photo, tmp_path / "a.bmp")
    assert np.array_equal(read_photo(tmp_path / "a.bmp").pixels, wide_photo.without_metadata().pixels)
    assert encoding_notes(wide_photo, "BMP") == ("BMP cannot hold its colour profile: the colours became sRGB",)
    assert encoding_notes(wide_photo, "PNG") == ()


def test_a_grey_photo_in_a_format_without_grey_gets_srgb(tmp_path):
    Image.fromarray(picture(channels=1)[..., 0]).save(tmp_path / "a.png", icc_profile=grey_profile())
    photo = read_photo(tmp_path / "a.png")
    assert photo.icc_profile == grey_profile()
    with Image.open(io.BytesIO(encode_photo(photo, "WEBP"))) as image:
        assert "icc_profile" not in image.info
        assert np.array_equal(np.array(image.convert("RGB")), photo.without_metadata().pixels)
    assert (photo.without_metadata().pixels != photo.pixels).any()


@pytest.mark.parametrize("format_name", sorted(set(FORMATS) - {"BMP", "WEBP"}))
def test_a_grey_profile_is_kept_where_grey_is(format_name):
    stream = io.BytesIO()
    Image.fromarray(picture(16, 16, 1)[..., 0]).save(stream, "PNG", icc_profile=grey_profile())
    again = read_photo_bytes(encode_photo(read_photo_bytes(stream.getvalue(), name="a"), format_name), name="b")
    assert (again.grey, again.icc_profile, again.notes) == (True, grey_profile(), ())


def test_grey_with_transparency_becomes_colour_in_avif():
    if "AVIF" not in FORMATS:
        pytest.skip("this Pillow has no AVIF")
    stream = io.BytesIO()
    Image.fromarray(picture(16, 16, 4)).convert("LA").save(stream, "PNG", icc_profile=grey_profile())
    photo = read_photo_bytes(stream.getvalue(), name="a")
    again = read_photo_bytes(encode_photo(photo, "AVIF"), name="b")
    assert (again.grey, again.icc_profile, again.notes) == (False, None, ())
    assert np.abs(again.alpha.astype(int) - photo.alpha).max() <= 2
