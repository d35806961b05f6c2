"""Which faces are restored: all, the largest, one by its number, or one given by hand; and what is said of the rest."""

import math

import cv2
import numpy as np
import pytest
from PIL import Image

from snadnet import AllFaces, Deblurrer, FaceBox, FaceNumber, LargestFace
from snadnet.errors import ConfigError
from snadnet.faces import CROP_SIZE, TEMPLATE, face_matrix
from snadnet.faces.warp import transform


@pytest.fixture(scope="module")
def deblurrer(tiny_network):
    return Deblurrer(weights=tiny_network, device="cpu")


@pytest.fixture(scope="module")
def group(portrait):
    """A large face on the right, near (468, 144), and a smaller one on the left, near (104, 109)."""
    photo = np.full((300, 620, 3), 128, np.uint8)
    photo[40:200, 20:180] = portrait[40:200, 54:214]
    photo[20:276, 340:596] = cv2.resize(portrait[40:200, 54:214], (256, 256))
    photo.setflags(write=False)
    return photo


def changed_columns(restoration):
    change = (restoration.photo.pixels != restoration.original.pixels).any(axis=(0, 2))
    return bool(change[:240].any()), bool(change[300:].any())


@pytest.mark.parametrize(
    ("choice", "restored"), [(AllFaces(), [1, 2]), (LargestFace(), [1]), (FaceNumber(1), [1]), (FaceNumber(2), [2])]
)
def test_only_the_chosen_faces_change(deblurrer, group, choice, restored):
    restoration = deblurrer.restore(group, choice=choice)
    assert changed_columns(restoration) == (2 in restored, 1 in restored)
    assert [face.number for face in restoration.faces] == restored
    others = [number for number in (1, 2) if number not in restored]
    assert [(face.number, face.reason) for face in restoration.skipped] == [(each, "not chosen") for each in others]


def test_a_number_that_is_not_there_is_one_clear_line(deblurrer, group, tmp_path):
    with pytest.raises(ConfigError, match=r"^the photo has 2 faces; choose a number from 1 to 2, not 3$"):
        deblurrer.restore(group, choice=FaceNumber(3))
    path = tmp_path / "plain.png"
    Image.new("RGB", (90, 80)).save(path)
    with pytest.raises(ConfigError, match=r"plain\.png has no face that was found; .* as a box"):
        deblurrer.restore(path, choice=FaceNumber(1))
    assert deblurrer.restore(path, choice=LargestFace()).faces == ()
    for n in (0, -1):
        with pytest.raises(ConfigError, match=f"face number {n} is out of range"):
            FaceNumber(n)


def test_what_is_no_choice_is_not_taken_for_all_faces(deblurrer, group):
    with pytest.raises(AssertionError, match="largest"):
        deblurrer.restore(group, choice="largest")


def test_the_number_counts_small_faces_too_and_they_stay(tiny_network, group):
    strict = Deblurrer(weights=tiny_network, device="cpu", min_face=100)
    restoration = strict.restore(group, choice=FaceNumber(2))
    assert restoration.faces == ()
    assert [face.reason.split(" (")[0] for face in restoration.skipped] == ["not chosen", "too small"]
    assert np.array_equal(restoration.photo.pixels, group)


def test_a_box_by_hand_takes_the_face_that_is_there(deblurrer, group):
    found = deblurrer.restore(group).faces[1]
    # Rougher than the detector's own box, as a hand draws it.
    x, y, w, h = found.box
    restoration = deblurrer.restore(group, choice=FaceBox(x - 9, y - 12, w + 14, h + 8))
    (face,) = restoration.faces
    assert (face.number, face.box) == (0, (x - 9, y - 12, w + 14, h + 8))
    assert face.confidence > 0.7
    assert np.linalg.norm(face.landmarks - found.landmarks, axis=1).mean() < 2
    assert changed_columns(restoration) == (True, False)
    assert restoration.skipped == ()


def test_a_box_by_hand_is_free_of_the_limits(tiny_network, group):
    strict = Deblurrer(weights=tiny_network, device="cpu", min_face=400, min_confidence=1.0)
    assert strict.restore(group).faces == ()
    assert len(strict.restore(group, choice=FaceBox(60, 60, 80, 110)).faces) == 1


def test_a_box_where_the_detector_sees_nothing_gets_the_template(deblurrer):
    plain = np.full((300, 400, 3), 90, np.uint8)
    restoration = deblurrer.restore(plain, choice=FaceBox(100, 60, 143, 177))
    (face,) = restoration.faces
    assert face.confidence == 0
    # Of the usual size: the crop's own scale, the box's centre (171.5, 148.5) on the crop's (126, 142).
    assert face.landmarks == pytest.approx(TEMPLATE + np.array([45.5, 6.5]), abs=1e-3)
    assert np.allclose(face_matrix(face.landmarks)[:, :2], np.eye(2), atol=1e-5)
    change = restoration.photo.pixels.astype(int) - plain
    assert np.all(np.abs(change[70:230, 110:230] - 25.5) <= 0.5)
    # Outside the 256 px crop around it nothing is touched.
    assert not change[:, : 45 - 1].any()
    assert not change[:, 302:].any()


def test_a_box_between_two_faces_walks_to_neither(deblurrer, group):
    box = FaceBox(215, 80, 70, 90)  # the grey gap
    (face,) = deblurrer.restore(group, choice=box).faces
    assert face.confidence == 0
    assert 215 < face.landmarks[:, 0].mean() < 285


def test_a_face_on_its_side_is_taken_from_its_box(deblurrer, group):
    turned = np.ascontiguousarray(np.rot90(group))
    found = deblurrer.restore(group).faces[1]
    x, y, w, h = found.box
    (face,) = deblurrer.restore(turned, choice=FaceBox(y, 620 - x - w, h, w)).faces
    expected = np.column_stack([found.landmarks[:, 1], 619 - found.landmarks[:, 0]])
    assert np.linalg.norm(face.landmarks - expected, axis=1).mean() < 8


@pytest.mark.parametrize(
    "box", [(700, 10, 50, 50), (-40, 10, 50, 50), (0, -100, 50, 120), (-5000, -5000, 99999, 99999), (1e300, 0, 9, 9)]
)
def test_a_box_outside_the_photo_is_refused(deblurrer, group, box):
    with pytest.raises(ConfigError, match=r"outside the photo \(620 x 300 px\)") as caught:
        deblurrer.restore(group, choice=FaceBox(*box))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("box", [(1, 2, 0, 5), (1, 2, 5, -1), (math.nan, 0, 9, 9), (0, math.inf, 9, 9), (0, 0, 7, 90)])
def test_a_box_that_is_none_is_refused(box):
    with pytest.raises(ConfigError, match="face box"):
        FaceBox(*box)


def test_a_box_over_the_border_is_restored(deblurrer, portrait):
    cut = np.ascontiguousarray(portrait[90:, 110:])
    restoration = deblurrer.restore(cut, choice=FaceBox(-20, -15, 75, 90))
    assert len(restoration.faces) == 1
    assert (restoration.photo.pixels[:20, :20] != cut[:20, :20]).any()
    middle = transform(face_matrix(restoration.faces[0].landmarks), np.array([[17.5, 30.0]]))
    assert np.all((middle > 0) & (middle < CROP_SIZE))
