"""The similarity, the template and the crop."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snadnet.faces import CROP_SIZE, TEMPLATE, crop_face, face_matrix, similarity
from snadnet.faces.warp import bounds, invert, scale_of, transform, warp


def make_similarity(scale: float, degrees: float, x: float, y: float) -> np.ndarray:
    angle = np.radians(degrees)
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[c, -s, x], [s, c, y]])


similarities = st.builds(
    make_similarity, st.floats(0.1, 10), st.floats(-180, 180), st.floats(-500, 500), st.floats(-500, 500)
)


def test_the_template_at_256_px():
    # Half of the 512 px numbers: the left eye at (192.98, 239.95), the right corner of the mouth
    # at (313.09, 371.15).
    assert TEMPLATE[0] == pytest.approx((96.49069, 119.97354), abs=1e-4)
    assert TEMPLATE[4] == pytest.approx((156.544525, 185.57559), abs=1e-4)
    assert TEMPLATE.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        TEMPLATE[0] = 0


def test_a_quarter_turn_by_hand():
    # (1, 0) -> (5, 9) and (0, 1) -> (3, 7), about (0, 0) -> (5, 7): twice as large, turned by 90 degrees.
    source = np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])
    target = np.array([(5.0, 7.0), (5.0, 9.0), (3.0, 7.0)])
    assert np.allclose(similarity(source, target), [[0, -2, 5], [2, 0, 7]])


def test_least_squares_by_hand():
    # Points at +-1 on both axes go to +-1 and +-3: the best scale is their mean, 2.
    source = np.array([(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)])
    target = source * np.array([1.0, 3.0])
    assert np.allclose(similarity(source, target), [[2, 0, 0], [0, 2, 0]])


@given(similarities)
def test_a_similarity_is_recovered_from_its_points(matrix):
    assert np.allclose(similarity(TEMPLATE, transform(matrix, TEMPLATE)), matrix, atol=1e-6)


@given(similarities)
def test_the_inverse_leads_back(matrix):
    points = TEMPLATE.astype(np.float64)
    assert np.allclose(transform(invert(matrix), transform(matrix, points)), points, atol=1e-6)
    assert scale_of(invert(matrix)) == pytest.approx(1 / scale_of(matrix))


def test_one_point_alone_has_no_similarity():
    with pytest.raises(ValueError, match="two different points"):
        similarity(np.ones((5, 2)), TEMPLATE)


def test_landmarks_on_the_template_need_no_change():
    assert np.allclose(face_matrix(TEMPLATE), [[1, 0, 0], [0, 1, 0]], atol=1e-6)
    assert np.allclose(face_matrix(TEMPLATE, 128), [[0.5, 0, 0], [0, 0.5, 0]], atol=1e-6)


def test_a_shift_by_whole_pixels_copies_them(astronaut):
    matrix = make_similarity(1, 0, -100, -50)
    crop = crop_face(astronaut, matrix)
    assert crop.shape == (CROP_SIZE, CROP_SIZE, 3)
    assert crop.dtype == np.float32
    assert np.array_equal(crop, astronaut[50:306, 100:356] / np.float32(255))


def test_what_lies_outside_is_mirrored(astronaut):
    crop = crop_face(astronaut, make_similarity(1, 0, 100, 0))
    assert np.array_equal(crop[:, :100], crop[:, 101:201][:, ::-1])


@settings(max_examples=25, deadline=None)
@given(st.floats(0.4, 4), st.floats(-180, 180), st.floats(-300, 700), st.floats(-300, 700))
def test_reading_only_a_part_changes_nothing(scale, degrees, x, y):
    picture = np.random.default_rng(0).random((120, 150, 3), np.float32)
    matrix = make_similarity(scale, degrees, x, y)
    size = (64, 48)
    if 1 / scale > 1.2:
        return  # averaged over areas first: another way of resampling
    whole = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    # OpenCV rounds coordinates to 1/32 px, differently for each origin.
    assert np.abs(warp(picture, matrix, size) - whole).max() < 0.15


@pytest.mark.parametrize("shrink", [1.5, 2, 3, 7.3])
def test_a_shrunk_ramp_stays_in_place(shrink):
    # On a ramp a half-pixel slip shows as a constant offset of (shrink - 1) / 2: 0.25 for the smallest here.
    ramp = np.repeat(np.arange(900, dtype=np.float32)[None, :, None], 900, axis=0)
    matrix = make_similarity(1 / shrink, 0, -20.3, -10)
    result = warp(ramp, matrix, (64, 64))
    expected = transform(invert(matrix), np.column_stack([np.arange(64), np.arange(64)]))[:, 0]
    assert np.abs(result[32] - expected).mean() < 0.15


def test_a_fine_pattern_does_not_alias():
    board = np.indices((800, 800)).sum(axis=0) % 2 * np.uint8(255)
    pixels = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    crop = crop_face(pixels, make_similarity(0.31, 10, 10, 0))
    assert crop[40:-40, 60:-60].std() < 0.03
    assert crop[40:-40, 60:-60].mean() == pytest.approx(0.5, abs=0.01)


def test_a_crop_lies_in_the_unit_range(astronaut):
    crop = crop_face(astronaut, make_similarity(6, 20, -900, -500))
    assert crop.min() >= 0
    assert crop.max() <= 1


def test_the_bounds_by_hand():
    # A quarter turn about the origin takes a 3 x 2 picture to x in [-1, 0] and y in [0, 2].
    assert bounds(np.array([[0.0, -1, 0], [1, 0, 0]]), 3, 2) == (-1, 0, 1, 3)
