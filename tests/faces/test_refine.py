"""Landmarks refined step by step stay those of the face that was found."""

from typing import cast

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from snadnet.faces import Face
from snadnet.faces.align import TEMPLATE, crop_face, face_matrix
from snadnet.faces.defaults import CROP_SIZE
from snadnet.faces.refine import LOOK_SIZES, CropNetworks, follow_face, refine_landmarks
from snadnet.faces.warp import scale_of
from snadnet.image_arrays import to_uint8

BOX = (200.0, 200.0, 100.0, 120.0)
FACE = Face(BOX, ((TEMPLATE - TEMPLATE.mean(axis=0)) * 0.7 + (250.0, 265.0)).astype(np.float32), 0.9)
PHOTO = np.zeros((600, 600, 3), np.uint8)


class LeadingAway:
    """A detector that sees in each crop a face a little further on, or a little larger."""

    def __init__(self, side: int, shift: float, growth: float, score: float) -> None:
        middle = TEMPLATE.mean(axis=0)
        self._points = (TEMPLATE - middle) * growth + middle + (shift, 0.0)
        self._side = side
        self._score = score
        self.looks = 0
        self.seen: list[NDArray[np.uint8]] = []

    def detect(self, image: NDArray[np.uint8]) -> tuple[int, NDArray[np.float32]]:
        self.looks += 1
        self.seen.append(image)
        points = (self._points + 0.5) * (self._side / CROP_SIZE) - 0.5
        return 1, np.array([[0, 0, 1, 1, *points.flatten(), self._score]], np.float32)


def leading_away(shift: float, growth: float, score: float = 0.85) -> CropNetworks:
    return cast("CropNetworks", {side: LeadingAway(side, shift, growth, score) for side in LOOK_SIZES})


def looks(networks: CropNetworks) -> int:
    (number,) = {network.looks for network in cast("dict[int, LeadingAway]", networks).values()}
    return number


def crop_side(face: Face) -> float:
    return CROP_SIZE / scale_of(face_matrix(face.landmarks))


@pytest.mark.parametrize(("shift", "growth"), [(40.0, 1.0), (-40.0, 1.0), (0.0, 1.3), (0.0, 0.75)])
def test_landmarks_do_not_leave_their_face_for_another(shift: float, growth: float) -> None:
    refined = refine_landmarks(leading_away(shift, growth), PHOTO, FACE)
    x, y = refined.landmarks.mean(axis=0)
    assert BOX[0] < x < BOX[0] + BOX[2]
    assert BOX[1] < y < BOX[1] + BOX[3]
    assert 0.5 < crop_side(refined) / crop_side(FACE) < 2.0


def test_a_face_that_is_followed_may_come_closer() -> None:
    followed = follow_face(leading_away(0.0, 1.3), PHOTO, FACE, least=0.4)
    assert followed is not None
    assert crop_side(followed) > 4 * crop_side(FACE)


def test_a_crop_that_stays_is_settled_whatever_the_proportions_of_the_face() -> None:
    networks = leading_away(0.0, 1.0)
    for network in cast("dict[int, LeadingAway]", networks).values():
        # Eyes wider apart and a mouth as much narrower, by more than a pixel: that moves the crop by less.
        network._points = TEMPLATE + np.array([[-1], [1], [0], [1], [-1]]) * (6.0, 0.0)
    refine_landmarks(networks, PHOTO, FACE)
    assert looks(networks) == 1 + 3  # and one at each other orientation


def test_a_face_that_is_surely_upright_is_not_turned() -> None:
    networks = leading_away(0.0, 1.0, score=0.95)
    refine_landmarks(networks, PHOTO, FACE)
    assert looks(networks) == 1


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("middle", [(1500.0, 1400.0), (150.0, 1400.0), (2890.0, 2790.0)])
@pytest.mark.parametrize("turn", [0.0, 0.4])
def test_crops_of_a_large_face_are_as_they_are_cut_from_the_photo(
    depth: type[np.uint8 | np.uint16], middle: tuple[float, float], turn: float
) -> None:
    """In the middle of a photo, and where its border is mirrored; and further on than a copy of it reaches."""
    noise = np.random.default_rng(2).integers(0, np.iinfo(depth).max, (30, 31, 3)).astype(depth)
    photo = cv2.resize(noise, (3000, 2900), interpolation=cv2.INTER_CUBIC)
    linear = 4.0 * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    landmarks = ((TEMPLATE - TEMPLATE.mean(axis=0)) @ linear + middle).astype(np.float32)
    face = Face((*(np.array(middle) - 300), 600.0, 600.0), landmarks, 0.9)
    networks = leading_away(20.0, 1.0)
    follow_face(networks, photo, face, least=0.0)
    first, *_, last = cast("dict[int, LeadingAway]", networks)[160].seen
    for seen, moved in ((first, 0), (last, looks(networks) - 1)):
        # Each look sees the face 20 pixels of the crop further on.
        place = landmarks + moved * 20.0 * linear[0]
        crop = to_uint8(crop_face(photo, face_matrix(place.astype(np.float32))))
        expected = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_RGB2BGR), (160, 160), interpolation=cv2.INTER_AREA)
        assert np.abs(seen.astype(float) - expected).mean() < 1.0
