"""Landmarks refined step by step stay those of the face that was found."""

from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from snadnet.faces import Face
from snadnet.faces.align import TEMPLATE, face_matrix
from snadnet.faces.defaults import CROP_SIZE
from snadnet.faces.refine import LOOK_SIZES, CropNetworks, follow_face, refine_landmarks
from snadnet.faces.warp import scale_of

BOX = (200.0, 200.0, 100.0, 120.0)
FACE = Face(BOX, ((TEMPLATE - TEMPLATE.mean(axis=0)) * 0.7 + (250.0, 265.0)).astype(np.float32), 0.9)
PHOTO = np.zeros((600, 600, 3), np.uint8)


class LeadingAway:
    """A detector that sees in each crop a face a little further on, or a little larger."""

    def __init__(self, side: int, shift: float, growth: float) -> None:
        middle = TEMPLATE.mean(axis=0)
        self._points = (TEMPLATE - middle) * growth + middle + (shift, 0.0)
        self._side = side
        self.looks = 0

    def detect(self, _image: NDArray[np.uint8]) -> tuple[int, NDArray[np.float32]]:
        self.looks += 1
        points = (self._points + 0.5) * (self._side / CROP_SIZE) - 0.5
        return 1, np.array([[0, 0, 1, 1, *points.flatten(), 0.9]], np.float32)


def leading_away(shift: float, growth: float) -> CropNetworks:
    return cast("CropNetworks", {side: LeadingAway(side, shift, growth) for side in LOOK_SIZES})


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
    (looks,) = {network.looks for network in cast("dict[int, LeadingAway]", networks).values()}
    assert looks == 1 + 3  # and one at each other orientation
