"""Photos of more than 8 bits through the public class: the face changes at its depth, and the rest not by a bit."""

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from snadnet import Deblurrer
from snadnet.cli.app import app
from snadnet.faces import draw_boxes, face_images, side_by_side
from snadnet.photo import encode_photo, photo_from_array, read_photo, read_photo_bytes, write_photo
from support.photo_samples import wide_profile


@pytest.fixture(scope="module")
def deblurrer(tiny_network):
    return Deblurrer(weights=tiny_network, device="cpu")


@pytest.fixture(scope="module")
def deep_portrait(portrait):
    """uint16 (256, 256, 3): the portrait, and below its 8 bits others."""
    lower = np.random.default_rng(0).integers(-128, 129, portrait.shape)
    return (portrait.astype(int) * 257 + lower).clip(0, 65535).astype(np.uint16)


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("kind", ["RGB", "RGBA", "grey", "wide"])
def test_strength_0_returns_the_same_pixels(deblurrer, deep_portrait, kind, aligned):
    photo = photo_from_array(deep_portrait[..., 1] if kind == "grey" else deep_portrait)
    if kind == "RGBA":
        photo = replace(photo, alpha=deep_portrait[..., 0].copy())
    if kind == "wide":
        photo = replace(photo, icc_profile=wide_profile())
    restore = deblurrer.restore_aligned if aligned else deblurrer.restore
    result = restore(photo, strength=0)
    assert len(result.faces) == 1
    assert result.photo.pixels.dtype == np.uint16
    assert np.array_equal(result.photo.pixels, photo.pixels)
    assert result.photo.alpha is photo.alpha


def test_a_deep_face_changes_as_a_shallow_one_does_but_finer(deblurrer, portrait, deep_portrait):
    shallow = deblurrer.restore(portrait)
    result = deblurrer.restore(deep_portrait)
    change = result.photo.pixels.astype(int) - deep_portrait
    centre = change[100:150, 109:149]
    assert np.median(centre) == pytest.approx(6553.5, abs=130)
    # The change is no multiple of a level of 8 bits.
    assert len(np.unique(change % 257)) > 200
    same_place = np.abs(change - 257 * (shallow.photo.pixels.astype(int) - portrait))
    assert np.percentile(same_place, 90) <= 3 * 257
    # Outside the mask not one bit is another.
    x, y, w, h = result.faces[0].box
    far = np.ones(portrait.shape[:2], bool)
    far[: int(y + 1.7 * h), max(0, int(x - 0.8 * w)) : int(x + 1.8 * w)] = False
    assert far.any()
    assert not change[far].any()
    assert result.faces[0].box == pytest.approx(shallow.faces[0].box, abs=2)


def test_a_grey_face_stays_grey_and_deep(deblurrer, deep_portrait):
    result = deblurrer.restore(deep_portrait[..., 1])
    pixels = result.photo.pixels
    assert np.array_equal(pixels[..., 0], pixels[..., 2])
    assert (pixels[..., 0] != deep_portrait[..., 1]).any()
    again = read_photo_bytes(encode_photo(result.photo, "PNG"), name="a")
    assert (again.grey, again.bits) == (True, 16)
    assert np.array_equal(again.pixels, pixels)


def test_a_wide_gamut_changes_without_steps(deblurrer, deep_portrait):
    photo = replace(photo_from_array(deep_portrait), icc_profile=wide_profile())
    change = deblurrer.restore(photo).photo.pixels.astype(int) - deep_portrait
    assert len(np.unique(change[100:150, 109:149])) > 1000


def test_images_of_the_result_take_deep_photos(deblurrer, deep_portrait):
    result = deblurrer.restore(deep_portrait)
    assert draw_boxes(result).bits == 8
    ((before, after),) = face_images(result)
    assert (before.bits, after.bits) == (16, 16)
    joined = side_by_side(result)
    assert np.array_equal(joined.pixels[:, :256], deep_portrait)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_the_command_keeps_sixteen_bits(tmp_path, tiny_network, deep_portrait, suffix):
    write_photo(replace(photo_from_array(deep_portrait), icc_profile=wide_profile()), tmp_path / f"in{suffix}")
    out = tmp_path / "out"
    arguments = [
        "deblur",
        str(tmp_path / f"in{suffix}"),
        "-o",
        str(out),
        "--weights",
        str(tiny_network),
        "--draw-boxes",
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    photo = read_photo(out / f"in{suffix}")
    assert (photo.bits, photo.icc_profile) == (16, wide_profile())
    assert (photo.pixels != deep_portrait).any()
    assert np.array_equal(photo.pixels[-5:], deep_portrait[-5:])
