"""Faces found first and restored afterwards: as they came, filtered, edited, or boxes given by hand."""

import dataclasses

import numpy as np
import pytest

from snadnet import AllFaces, Deblurrer, FaceBox, FaceNumber, LargestFace
from snadnet.errors import ConfigError
from snadnet.faces import FoundFace, Restoration


@pytest.fixture(scope="module")
def deblurrer(tiny_network):
    return Deblurrer(weights=tiny_network, device="cpu")


@pytest.fixture(scope="module")
def pair(portrait):
    photo = np.hstack([portrait, np.full((256, 60, 3), 128, np.uint8), portrait])
    photo.setflags(write=False)
    return photo


def described(restoration: Restoration) -> list[tuple]:
    """All that a restoration says, as values that can be compared."""
    faces = [dataclasses.astuple(face) for face in restoration.faces]
    return [[repr(value) for value in face] for face in faces] + list(restoration.skipped)


@pytest.mark.parametrize("choice", [AllFaces(), LargestFace(), FaceNumber(2), FaceBox(75, 60, 110, 130)])
def test_finding_and_restoring_is_restore(deblurrer, pair, choice):
    faces = deblurrer.find_faces(pair, choice=choice)
    in_two_steps = deblurrer.restore_faces(pair, faces)
    at_once = deblurrer.restore(pair, choice=choice)
    assert np.array_equal(in_two_steps.photo.pixels, at_once.photo.pixels)
    assert described(in_two_steps) == described(at_once)
    assert (at_once.photo.pixels != pair).any()


def test_each_face_says_whether_it_is_restored_and_why_not(tiny_network, pair):
    first, second = Deblurrer(weights=tiny_network, device="cpu", max_faces=1).find_faces(pair)
    assert (first.chosen, first.reason, first.number) == (True, None, 1)
    assert (second.chosen, second.reason, second.number) == (False, "more than 1 face", 2)
    assert first.landmarks.shape == (5, 2)
    assert 0.7 < second.confidence <= 1
    strict = Deblurrer(weights=tiny_network, device="cpu", min_face=200)
    assert [face.reason.partition("(")[0] for face in strict.find_faces(pair)] == ["too small ", "too small "]


def test_faces_may_be_left_out_and_taken_in(deblurrer, pair):
    first, second = deblurrer.find_faces(pair)
    alone = deblurrer.restore_faces(pair, [second])
    assert [face.number for face in alone.faces] == [2]
    left = [second, dataclasses.replace(first, reason="a friend of mine")]
    restoration = deblurrer.restore_faces(pair, left)
    assert restoration.summary == "2 faces: 1 restored, 1 a friend of mine"
    assert np.array_equal(restoration.photo.pixels, alone.photo.pixels)
    # A face that was not to be restored is looked for in its box once it is.
    skipped = deblurrer.find_faces(pair, choice=FaceNumber(2))[0]
    assert (skipped.landmarks, skipped.reason) == (None, "not chosen")
    (face,) = deblurrer.restore_faces(pair, [dataclasses.replace(skipped, reason=None)]).faces
    assert face.number == 1
    assert np.abs(face.landmarks - first.landmarks).max() < 3


def test_a_box_given_by_hand_and_moved_landmarks(deblurrer, pair):
    by_hand = FaceBox(75, 60, 110, 130)
    expected = deblurrer.restore(pair, choice=by_hand)
    for face in (by_hand, FoundFace(by_hand.box)):
        restoration = deblurrer.restore_faces(pair, [face])
        assert described(restoration) == described(expected)
        assert np.array_equal(restoration.photo.pixels, expected.photo.pixels)
    first = deblurrer.find_faces(pair)[0]
    moved = dataclasses.replace(first, landmarks=first.landmarks + 7)
    (face,) = deblurrer.restore_faces(pair, [moved]).faces
    assert np.array_equal(face.landmarks, first.landmarks + 7)
    assert deblurrer.restore_faces(pair, []).faces == ()


@pytest.mark.parametrize("landmarks", [np.zeros((4, 2)), np.full((5, 2), np.nan), np.zeros(5)])
def test_landmarks_that_are_none_are_refused(deblurrer, pair, landmarks):
    with pytest.raises(ConfigError, match="give 5 finite points"):
        deblurrer.restore_faces(pair, [FoundFace((0, 0, 90, 90), landmarks)])


def test_a_box_outside_the_photo_is_refused(deblurrer, pair):
    with pytest.raises(ConfigError, match="lies outside the photo"):
        deblurrer.restore_faces(pair, [FaceBox(5000, 0, 90, 90)])
    with pytest.raises(ConfigError, match="strength"):
        deblurrer.restore_faces(pair, [], strength=2)
