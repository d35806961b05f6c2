from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("av", reason="needs the extra: pip install 'snadnet[video]'")

import av

from snadnet.faces import TEMPLATE, Face, FaceDetector
from snadnet.video.tracks import MAX_GAP, Moment, find_faces, join_tracks
from support.clips import portrait_clip


def face_at(x, y=80.0, size=40.0, confidence=0.9):
    landmarks = (TEMPLATE - TEMPLATE.mean(axis=0)) * size / 150 + (x, y)
    return Face((x - size / 2, y - size / 2, size, size), landmarks.astype(np.float32), confidence)


class Blind:
    """A detector that sees only what it is told to, where it is told to look."""

    def __init__(self, *seen):
        self.seen = set(seen)
        self.looks = 0

    def follow(self, pixels, face):
        del pixels
        self.looks += 1
        return replace(face, confidence=0.5) if self.looks in self.seen else None


def moments(*frames, cuts=()):
    shade = 0.0
    for k, faces in enumerate(frames):
        shade = 1 - shade if k in cuts else shade
        yield Moment(k, av.VideoFrame(64, 48, "yuv420p"), 0, tuple(faces), np.full((27, 48), shade, np.float32))


def numbers(joined):
    return [sorted(moment.seen) for moment in joined]


def test_two_faces_keep_their_numbers_while_they_pass_each_other():
    frames = [[face_at(40 + 8 * k, y=60), face_at(120 - 8 * k, y=100)] for k in range(10)]
    frames = [pair[::-1] if k % 2 else pair for k, pair in enumerate(frames)]
    joined = list(join_tracks(moments(*frames), Blind(), {}))
    assert numbers(joined) == [[1, 2]] * 10
    assert [moment.seen[1].landmarks[:, 1].mean().round() for moment in joined] == [60] * 10


def test_a_face_that_is_missed_keeps_its_number_for_some_frames():
    gap = [[face_at(40)]] * 3 + [[]] * MAX_GAP + [[face_at(40)]]
    assert numbers(join_tracks(moments(*gap), Blind(), {}))[-1] == [1]
    longer = [[face_at(40)]] * 3 + [[]] * (MAX_GAP + 1) + [[face_at(40)]]
    assert numbers(join_tracks(moments(*longer), Blind(), {}))[-1] == [2]


def test_a_face_that_the_frame_hides_is_looked_for_where_it_moves_to():
    frames = [[face_at(40)], [face_at(46)], [], [face_at(58)]]
    joined = list(join_tracks(moments(*frames), Blind(1), {}))
    assert numbers(joined) == [[1]] * 4
    assert joined[2].seen[1].landmarks[:, 0].mean() == pytest.approx(52, abs=0.01)


def test_a_face_that_only_following_sees_ends():
    frames = [[face_at(40)], *([[]] * 60)]
    joined = numbers(join_tracks(moments(*frames), Blind(*range(1, 99)), {}))
    assert joined[5] == [1]
    assert joined[-1] == []


def test_a_cut_ends_all_tracks():
    joined = list(join_tracks(moments(*[[face_at(40)]] * 6, cuts=[3]), Blind(), {}))
    assert numbers(joined) == [[1]] * 3 + [[2]] * 3
    assert [moment.scene for moment in joined] == [0, 0, 0, 1, 1, 1]


def test_a_face_of_another_size_is_another_one():
    assert numbers(join_tracks(moments([face_at(40)], [face_at(40, size=80)]), Blind(), {}))[1] == [2]


def test_numbers_that_are_known_from_before_are_taken_again():
    known = {0: {7: face_at(41), 3: face_at(120)}}
    joined = numbers(join_tracks(moments([face_at(120), face_at(40)], [face_at(200)]), Blind(), known))
    assert joined[0] == [3, 7]
    assert 8 in joined[1]


def test_the_real_detector_follows_a_blurred_portrait(portrait):
    clip = portrait_clip(portrait, frames=4)
    detector = FaceDetector()

    def found():
        for k, pixels in enumerate(clip.blurred):
            yield find_faces(k, av.VideoFrame.from_ndarray(pixels), 0, detector, turned=False)

    joined = list(join_tracks(found(), detector, {}))
    assert numbers(joined) == [[1]] * 4
    for moment, true in zip(joined, clip.landmarks, strict=True):
        assert np.linalg.norm(moment.seen[1].landmarks - true, axis=1).mean() < 0.1 * moment.seen[1].size
        followed = detector.follow(clip.blurred[moment.index], moment.seen[1])
        assert np.linalg.norm(followed.landmarks - true, axis=1).mean() < 0.1 * moment.seen[1].size
    away = replace(joined[0].seen[1], landmarks=joined[0].seen[1].landmarks + np.float32([-60, 40]))
    assert detector.follow(clip.blurred[0], away) is None
