"""Landmark errors of images whose answer is known."""

import numpy as np
import pytest

from snadnet.faces import Face, FaceDetector
from snadnet.metrics.base import ScoredFace
from snadnet.metrics.landmarks import Landmarks


def face(sharp):
    return ScoredFace("a", sharp, sharp, None)


def test_landmarks_of_the_same_a_shifted_and_a_missing_face(portrait):
    read = Landmarks().prepare([face(portrait), face(np.zeros_like(portrait))])
    shifted = np.roll(portrait, 8, axis=1)
    error, found = read(np.stack([portrait, portrait]))
    assert error[0] == 0.0
    assert np.isnan(error[1])  # the sharp image shows no face: there is nothing to measure
    assert (found[0], np.isnan(found[1])) == (1.0, True)
    assert 5 < read(np.stack([shifted, portrait]))[0][0] < 25
    error, found = read(np.zeros((2, *portrait.shape), np.uint8))
    assert np.isnan(error).all()
    assert found[0] == 0.0


def test_the_golden_landmark_error_is_that_of_the_face_in_its_place(monkeypatch):
    points = np.array([(20, 20), (60, 20), (40, 40), (25, 60), (55, 60)], np.float32)  # eyes 40 px apart
    true = Face((10, 10, 60, 60), points, 0.9)
    moved = Face((12, 12, 60, 60), points + np.array([3, 4], np.float32), 0.9)  # by 5 px
    elsewhere = Face((200, 200, 90, 90), points + 200, 0.99)
    monkeypatch.setattr(FaceDetector, "detect", lambda _, pixels: (true,) if pixels.max() else (elsewhere, moved))
    white = np.full((300, 300, 3), 255, np.uint8)
    error, found = Landmarks().prepare([face(white)])(np.zeros((1, 300, 300, 3), np.uint8))
    assert (error[0], found[0]) == (pytest.approx(100 * 5 / 40), 1.0)
