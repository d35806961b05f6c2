"""Residual paste-back: nothing outside the masks changes, and inside it is the residual that is added."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snadnet.errors import ConfigError
from snadnet.faces import CROP_SIZE, Patch, add_residual, feather_mask, paste_faces
from snadnet.faces.warp import invert, transform

GREY = np.full((600, 700, 3), 100, np.uint8)


def make_similarity(scale: float, degrees: float, x: float, y: float) -> np.ndarray:
    angle = np.radians(degrees)
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[c, -s, x], [s, c, y]])


def patch(matrix: np.ndarray, value: float = 0.2) -> Patch:
    return Patch(matrix, np.full((CROP_SIZE, CROP_SIZE, 3), value, np.float32))


def mask_reach(shape: tuple[int, ...], matrix: np.ndarray) -> np.ndarray:
    """Pixels whose centre lies in the crop, or within a pixel of the photo or crop of it."""
    rows, columns = np.indices(shape[:2])
    inside = transform(matrix, np.column_stack([columns.ravel(), rows.ravel()]).astype(float))
    return np.all((inside > -1) & (inside < CROP_SIZE), axis=1).reshape(shape[:2])


def test_the_mask_is_a_soft_rounded_rectangle():
    mask = feather_mask()
    assert not mask[[0, -1]].any()
    assert not mask[:, [0, -1]].any()
    assert np.all(mask[32:-32, 32:-32] == 1)
    assert np.array_equal(mask, mask.T)
    assert np.array_equal(mask, mask[::-1])
    assert np.all(np.diff(mask[128, :128]) >= 0)
    assert mask[16, 128] == pytest.approx(0.5)  # the smooth step's middle
    assert np.abs(np.diff(mask, axis=0)).max() < 0.05


@settings(max_examples=15, deadline=None)
@given(st.floats(0.3, 6), st.floats(-180, 180), st.floats(-300, 600), st.floats(-300, 600), st.floats(0.05, 1))
def test_outside_the_masks_nothing_changes(scale, degrees, x, y, strength):
    photo = np.random.default_rng(1).integers(0, 256, (300, 340, 3), np.uint8)
    matrix = invert(make_similarity(1 / scale, degrees, x, y))
    before = photo.copy()
    result = paste_faces(photo, [patch(matrix)], strength=strength)
    assert np.array_equal(photo, before)
    # A shrunk mask is averaged over the photo's pixels, so it may reach one of them further.
    reach = cv2.dilate(mask_reach(photo.shape, matrix).astype(np.uint8), np.ones((5, 5), np.uint8))
    assert np.array_equal(result[reach == 0], photo[reach == 0])


@settings(max_examples=10, deadline=None)
@given(st.floats(0.3, 6), st.floats(-180, 180))
def test_strength_zero_and_a_zero_residual_are_the_identity(scale, degrees):
    photo = np.random.default_rng(2).integers(0, 256, (200, 220, 3), np.uint8)
    matrix = make_similarity(scale, degrees, 30, 40)
    assert np.array_equal(paste_faces(photo, [patch(matrix)], strength=0), photo)
    assert np.array_equal(paste_faces(photo, [patch(matrix, 0.0)]), photo)


def test_the_middle_gets_the_residual_times_the_strength():
    result = paste_faces(GREY, [patch(make_similarity(1, 0, -100, -100))], strength=0.5)
    # 100 + 0.5 * 0.2 * 255 = 125.5, which rounds to even.
    assert np.all(result[140:310, 140:310] == 126)


@pytest.mark.parametrize("scale", [0.25, 0.7, 1, 3])
def test_a_residual_lands_where_the_crop_was_cut(scale):
    matrix = make_similarity(scale, 25, -60, 20)
    residual = np.zeros((CROP_SIZE, CROP_SIZE, 3), np.float32)
    spot = np.exp(-((np.indices((CROP_SIZE, CROP_SIZE)) - 128) ** 2).sum(axis=0) / (2 * 12**2))
    residual[:] = 0.5 * spot[..., None]
    photo = np.zeros((1200, 1200, 3), np.uint8)
    centre = transform(invert(matrix), np.array([[128.0, 128.0]]))[0]
    moved = np.array([[1, 0, 600], [0, 1, 600]], float)
    matrix = np.column_stack([matrix[:, :2], matrix[:, 2] - matrix[:, :2] @ (moved[:, 2] - centre)])
    result = paste_faces(photo, [Patch(matrix, residual)]).astype(float)[..., 0]
    y, x = np.indices(result.shape)
    found = np.array([(result * x).sum(), (result * y).sum()]) / result.sum()
    assert np.abs(found - 600).max() < 0.3
    assert result.max() == pytest.approx(127, abs=3)


def test_two_faces_on_one_spot_do_not_double():
    one = patch(make_similarity(1, 0, -100, -100))
    other = patch(make_similarity(1, 0, -160, -130))
    both = paste_faces(GREY, [one, other])
    assert both.max() == 151  # 100 + 0.2 * 255, as for one
    steps = np.abs(np.diff(both[..., 0].astype(int), axis=1))
    assert steps.max() <= 4
    assert np.array_equal(both, paste_faces(GREY, [other, one]))


def test_the_order_of_many_faces_does_not_matter():
    rng = np.random.default_rng(3)
    photo = rng.integers(0, 256, (300, 300, 3), np.uint8)
    faces = [
        Patch(make_similarity(1, 20 * turn, 5.0 * turn, -9.0 * turn), rng.normal(0, 0.1, (256, 256, 3)).astype("f4"))
        for turn in range(5)
    ]
    expected = paste_faces(photo, faces)
    for _ in range(5):
        rng.shuffle(faces)
        assert np.array_equal(paste_faces(photo, faces), expected)


def test_the_tiles_leave_no_seam():
    photo = np.full((1100, 1100, 3), 100, np.uint8)
    result = paste_faces(photo, [patch(make_similarity(0.25, 15, 0, -70))])
    assert result.max() == 151
    seam = np.abs(np.diff(result[..., 0].astype(int), axis=1))
    assert seam.max() <= 1  # the mask rises by 51 grey levels over 128 px


def test_values_are_cut_at_white_and_black():
    assert paste_faces(np.full_like(GREY, 250), [patch(make_similarity(1, 0, 0, 0))]).max() == 255
    assert paste_faces(np.full_like(GREY, 5), [patch(make_similarity(1, 0, 0, 0), -0.2)]).min() == 0


def test_a_residual_of_the_whole_picture():
    photo = np.full((1300, 700, 3), 100, np.uint8)
    assert np.all(add_residual(photo, np.full((130, 70, 3), 0.2, np.float32)) == 151)
    assert np.array_equal(add_residual(photo, np.full((130, 70, 3), 0.2, np.float32), strength=0), photo)
    own_size = np.zeros((1300, 700, 3), np.float32)
    own_size[7, 9] = 0.2
    changed = np.argwhere((add_residual(photo, own_size) != photo).all(axis=2))
    assert changed.tolist() == [[7, 9]]
    # A ramp keeps its place when enlarged: no half-pixel slip.
    ramp = np.repeat(np.linspace(0, 0.5, 70, dtype=np.float32)[None, :, None], 130, axis=0).repeat(3, axis=2)
    column = add_residual(photo, ramp)[600, :, 0].astype(float)
    expected = 100 + 255 * (np.arange(700) - 4.5) / 10 * 0.5 / 69
    assert np.abs(column - expected)[20:-20].max() < 1.2


@pytest.mark.parametrize("strength", [-0.1, 1.01, float("nan")])
def test_a_strength_out_of_range_is_refused(strength):
    with pytest.raises(ConfigError, match="strength"):
        paste_faces(GREY, [], strength=strength)
    with pytest.raises(ConfigError, match="strength"):
        add_residual(GREY, np.zeros((6, 7, 3), np.float32), strength=strength)
