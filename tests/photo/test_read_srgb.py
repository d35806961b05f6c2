"""The reader of training and evaluation: upright, sRGB, 8 bits."""

import numpy as np
import pytest
from PIL import Image

from snadnet.photo import read_srgb
from support.photo_samples import STORED, exif_bytes, picture, wide_profile, wide_to_srgb


@pytest.mark.parametrize("orientation", STORED)
def test_a_face_on_its_side_stands_upright(tmp_path, orientation):
    upright = picture(40, 30)
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    stored.save(tmp_path / "a.png", exif=exif_bytes(orientation))
    assert np.array_equal(read_srgb(tmp_path / "a.png"), upright)


def test_a_wide_gamut_becomes_srgb(tmp_path):
    Image.fromarray(picture(30, 40)).save(tmp_path / "a.png", icc_profile=wide_profile())
    assert np.abs(read_srgb(tmp_path / "a.png") - wide_to_srgb(picture(30, 40))).max() <= 3


def test_what_is_srgb_already_is_what_pillow_reads(tmp_path):
    Image.fromarray(picture(30, 40)).save(tmp_path / "a.jpg", quality=90)
    with Image.open(tmp_path / "a.jpg") as image:
        expected = np.asarray(image.convert("RGB"))
    assert np.array_equal(read_srgb(tmp_path / "a.jpg"), expected)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1"])
def test_every_kind_of_colours_gives_three_channels(tmp_path, mode):
    image = Image.fromarray(picture(30, 40)).convert(mode)
    image.save(tmp_path / "a.png")
    assert np.array_equal(read_srgb(tmp_path / "a.png"), np.asarray(image.convert("RGB")))


def test_sixteen_bits_are_rounded_to_eight(tmp_path):
    values = np.arange(600, dtype=np.uint16).reshape(20, 30) * 109
    Image.fromarray(values).save(tmp_path / "deep.png")
    rounded = np.rint(values / 257).astype(np.uint8)
    assert np.array_equal(read_srgb(tmp_path / "deep.png"), np.repeat(rounded[..., None], 3, axis=2))
