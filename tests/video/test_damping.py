import cv2
import numpy as np
import pytest

pytest.importorskip("av", reason="needs the extra: pip install 'snadnet[video]'")

from snadnet.faces import crop_face, face_matrix
from snadnet.video.alignment import AlignedFace, AlignedMoment
from snadnet.video.damping import RestoredMoment, damp, difference, mean_along_flow
from snadnet.video.tracks import Moment
from support.clips import portrait_clip


@pytest.fixture(scope="module")
def face(portrait):
    clip = portrait_clip(portrait, frames=1)
    return crop_face(clip.sharp[0], face_matrix(clip.landmarks[0]))


def noisy(face, seed):
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 0.2, face.shape), (0, 0), 2).astype(np.float32)
    return np.clip(face + noise, 0, 1)


def moments(crops, restored, scenes=None):
    aligned = [
        AlignedMoment(
            Moment(k, None, 0, (), np.zeros((1, 1), np.float32), scene=scenes[k] if scenes else 0),
            (AlignedFace(1, (0, 0, 9, 9), np.eye(2, 3)),),
        )
        for k in range(len(crops))
    ]
    return [
        RestoredMoment(each, {1: crop}, {1: result})
        for each, crop, result in zip(aligned, crops, restored, strict=True)
    ]


def test_what_changes_from_frame_to_frame_is_damped_and_comes_nearer_to_the_truth(face):
    restored = [noisy(face, seed) for seed in range(6)]
    crops = [face] * 6
    alone, damped = (list(damp(moments(crops, restored), reach=reach)) for reach in (0, 2))
    for before, after in zip(alone[1:], damped[1:], strict=True):
        assert after.flicker[1].after < 0.6 * before.flicker[1].after
        assert after.flicker[1].before == 0
    error = [difference(face + each.patches[0].residual, face) for each in damped]
    assert max(error) < min(difference(result, face) for result in restored)


def test_without_others_a_frame_stays_as_it_was_restored(face):
    result = noisy(face, 0)
    (alone,) = damp(moments([face], [result]))
    assert np.array_equal(alone.patches[0].residual, result - face)
    assert alone.flicker == {}


def test_frames_of_another_scene_take_no_part(face):
    other = np.ascontiguousarray(face[:, ::-1])
    crops = [face] * 2 + [other] * 2
    damped = list(damp(moments(crops, crops, scenes=[0, 0, 1, 1])))
    assert all(np.abs(each.patches[0].residual).max() < 1e-6 for each in damped)


def test_a_shifted_neighbour_is_brought_back(face):
    moved = cv2.warpAffine(face, np.float32([[1, 0, 3], [0, 1, -2]]), (256, 256), borderMode=cv2.BORDER_REPLICATE)
    plain = difference((face + moved) / 2, face)
    assert difference(mean_along_flow(face, [(1, moved)]), face) < 0.35 * plain


def test_what_passes_before_a_neighbour_leaves_no_trace(face):
    covered = face.copy()
    covered[90:150, 90:150] = 1 - covered[90:150, 90:150].round()
    mixed = mean_along_flow(face, [(-1, covered), (1, covered)])
    inside = np.abs(mixed - face)[105:135, 105:135].mean()
    assert inside < 0.1 * np.abs(covered - face)[105:135, 105:135].mean()
