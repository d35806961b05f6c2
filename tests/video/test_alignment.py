import numpy as np
import pytest

from snadnet.faces import TEMPLATE, Face
from snadnet.faces.warp import transform
from snadnet.video.alignment import align_faces, line_at_zero

pytest.importorskip("av", reason="needs the extra: pip install 'snadnet[video]'")

from snadnet.video.tracks import Moment


def moments(faces, *, scenes=None):
    """One frame for each entry: the face of track 1, or None where it is not seen."""
    thumbnail = np.zeros((27, 48), np.float32)
    return [
        Moment(
            index=k,
            frame=None,
            turns=0,
            found=(),
            thumbnail=thumbnail,
            scene=0 if scenes is None else scenes[k],
            seen={} if face is None else {1: face},
        )
        for k, face in enumerate(faces)
    ]


def face_at(x, y=50.0, size=60.0):
    landmarks = (TEMPLATE - TEMPLATE.mean(axis=0)) * size / 150 + (x, y)
    return Face((x - size / 2, y - size / 2, size, size), landmarks.astype(np.float32), 0.9)


def middle(face):
    """Where the middle of the face's crop lies in the frame."""
    return transform(np.linalg.inv(np.vstack([face.matrix, [0, 0, 1]]))[:2], TEMPLATE.mean(axis=0)[None])[0]


def test_a_line_goes_through_points_on_a_line_also_at_its_ends():
    offsets = np.array([0.0, 1.0, 2.0, 3.0])
    assert line_at_zero(offsets, (5 + 2 * offsets)[:, None]) == pytest.approx([5.0])


def test_of_two_points_the_nearer_one_counts_more():
    (value,) = line_at_zero(np.array([0.0, 3.0]), np.array([[1.0], [2.0]]))
    assert 1 < value < 1.2


def test_a_steady_walk_stays_as_it_is_and_a_jitter_is_halved():
    walk = [40 + 5.0 * k for k in range(12)]
    jitter = np.random.default_rng(0).normal(0, 2, 12)
    steady = list(align_faces(moments([face_at(x) for x in walk]), min_face=1, max_faces=9))
    shaken = list(
        align_faces(moments([face_at(x + j) for x, j in zip(walk, jitter, strict=True)]), min_face=1, max_faces=9)
    )
    for x, aligned in zip(walk, steady, strict=True):
        assert middle(aligned.faces[0]) == pytest.approx([x, 50], abs=1e-3)
    errors = [middle(aligned.faces[0])[0] - x for x, aligned in zip(walk, shaken, strict=True)]
    assert np.std(np.diff(errors)) < 0.5 * np.std(np.diff(jitter))


def test_a_missed_frame_gets_the_face_from_those_around_it():
    faces = [face_at(40 + 5.0 * k) for k in range(7)]
    faces[3] = None
    aligned = list(align_faces(moments(faces), min_face=1, max_faces=9))
    assert middle(aligned[3].faces[0]) == pytest.approx([55, 50], abs=1e-3)


def test_a_face_that_flashes_up_is_left_and_one_that_leaves_is_not_made_up():
    flash = [None, None, None, face_at(40), None, None, None]
    assert not any(aligned.faces for aligned in align_faces(moments(flash), min_face=1, max_faces=9))
    leaving = [face_at(40)] * 5 + [None] * 3
    present = [bool(aligned.faces) for aligned in align_faces(moments(leaving), min_face=1, max_faces=9)]
    assert present == [True] * 5 + [False] * 3


def test_a_cut_is_not_smoothed_over():
    faces = [face_at(40)] * 4 + [face_at(90)] * 4
    aligned = list(align_faces(moments(faces, scenes=[0] * 4 + [1] * 4), min_face=1, max_faces=9))
    assert [round(middle(each.faces[0])[0]) for each in aligned] == [40] * 4 + [90] * 4


def test_a_clip_of_one_frame_keeps_its_face():
    (aligned,) = align_faces(moments([face_at(40)]), min_face=1, max_faces=9)
    assert len(aligned.restored) == 1


def test_small_faces_and_those_too_many_are_left_with_a_reason():
    (aligned,) = align_faces(moments([face_at(40, size=20)]), min_face=24, max_faces=9)
    assert [face.reason for face in aligned.faces] == ["too small (20 px)"]
    both = moments([face_at(40)])
    both[0].seen[2] = face_at(140, size=80)
    (aligned,) = align_faces(both, min_face=1, max_faces=1)
    assert [(face.number, face.reason) for face in aligned.faces] == [(2, None), (1, "more than 1 face")]
