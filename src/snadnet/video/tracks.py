"""Faces followed from frame to frame: what the detector finds in each is joined into tracks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from snadnet.faces import Face, FaceDetector
from snadnet.image_arrays import to_float
from snadnet.video.planes import to_rgb

MAX_GAP: Final = 3
"""Most frames in which a face may be missed before its track ends."""

TURNED_EVERY: Final = 15
"""Every so many frames faces on their side are looked for; in between they are followed where they were."""

_MOST_FOLLOWED: Final = 2 * TURNED_EVERY  # frames in which a face is only followed, and never found in the frame
_REACH: Final = 0.6  # of a face's size: a face that is further off in the next frame is another one
_LARGEST_CHANGE: Final = 1.6  # of a face's size from one frame to the next
_SAME_PLACE: Final = 0.4  # of a face's size: nearer than this two faces are one
_THUMBNAIL: Final = (48, 27)
_CUT: Final = 0.12  # mean difference of two frames' thumbnails, in [0, 1], that is taken for a cut


@dataclass(eq=False)
class Moment:
    """One frame on its way through the restoration.

    Attributes:
        index: Its place in the clip, from 0.
        frame: The frame as it was decoded.
        turns: By how many right angles to the left it is turned to be seen.
        found: The faces that the detector found.
        thumbnail: The frame in small, to notice cuts.
        scene: The number of the scene that it belongs to, from 0; a cut begins a new one.
        seen: The face of each track that is seen in it, by the track's number.
    """

    index: int
    frame: VideoFrame
    turns: int
    found: tuple[Face, ...]
    thumbnail: NDArray[np.float32]
    scene: int = 0
    seen: dict[int, Face] = field(default_factory=dict)


@dataclass(eq=False)
class _Track:
    number: int
    face: Face
    speed: NDArray[np.float32]
    missed: int = 0
    followed: int = 0

    def expected(self) -> Face:
        """Where the face is to be looked for in the next frame."""
        return _moved(self.face, self.speed)


def find_faces(index: int, frame: VideoFrame, turns: int, detector: FaceDetector, *, turned: bool) -> Moment:
    """Find the faces of one frame, whatever the others show.

    Args:
        index: The frame's place in the clip.
        frame: The frame.
        turns: By how many right angles to the left it is turned to be seen.
        detector: Finds them.
        turned: Whether faces on their side or upside down are looked for too, which takes longer.
    """
    pixels = to_rgb(frame, turns)
    faces = tuple(detector.refine(pixels, face) for face in detector.detect(pixels, turned=turned))
    small = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), _THUMBNAIL, interpolation=cv2.INTER_AREA)
    return Moment(index, frame, turns, faces, to_float(np.asarray(small, np.uint8)))


def join_tracks(
    moments: Iterable[Moment], detector: FaceDetector, known: dict[int, dict[int, Face]]
) -> Iterator[Moment]:
    """Join the faces of frames that follow each other into tracks.

    A face belongs to the track whose expected place it is nearest to. A track without a face is looked for where it
    is expected, in its own aligned crop, where the detector sees tilted and strongly blurred faces better than in the
    frame; after `MAX_GAP` frames without one it ends. A cut ends all.

    Args:
        moments: The frames in order.
        detector: Finds them.
        known: Numbers that faces had when this part of the clip was done before, by frame and number.

    Yields:
        The frames, with ``scene`` and ``seen``.
    """
    tracks: list[_Track] = []
    free = 1 + max((number for faces in known.values() for number in faces), default=0)
    before: Moment | None = None
    scene = 0
    for moment in moments:
        if before is not None and float(np.abs(moment.thumbnail - before.thumbnail).mean()) > _CUT:
            scene, tracks = scene + 1, []
        moment.scene = scene
        rest = _continue(tracks, moment, detector)
        for face in rest:
            number = _known_number(face, known.get(moment.index, {}), taken={track.number for track in tracks})
            if number is None:
                number, free = free, free + 1
            tracks.append(_Track(number, face, np.zeros(2, np.float32)))
        tracks = [track for track in tracks if track.missed <= MAX_GAP]
        moment.seen = {track.number: track.face for track in tracks if not track.missed}
        before = moment
        yield moment


def _continue(tracks: list[_Track], moment: Moment, detector: FaceDetector) -> list[Face]:
    """Move the tracks on to a frame; return the faces that belong to none."""
    free = list(moment.found)
    pairs = sorted(
        ((_distance(track.expected(), face), place, face) for place, track in enumerate(tracks) for face in free),
        key=lambda pair: pair[:2],
    )
    lost = dict(enumerate(tracks))
    for distance, place, face in pairs:
        if distance < _REACH and place in lost and any(face is each for each in free):
            tracks[place].followed = 0
            _advance(lost.pop(place), face)
            free = [each for each in free if each is not face]
    if lost:
        pixels = to_rgb(moment.frame, moment.turns)
        for place, track in lost.items():
            followed = detector.follow(pixels, track.expected())
            others = [each.face for number, each in enumerate(tracks) if number not in lost] + free
            track.followed += 1
            if (
                followed is None
                or track.followed > _MOST_FOLLOWED
                or any(_distance(followed, other) < _SAME_PLACE for other in others)
            ):
                track.missed += 1
            else:
                _advance(tracks[place], followed)
    return free


def _advance(track: _Track, face: Face) -> None:
    moved = face.landmarks.mean(axis=0) - track.face.landmarks.mean(axis=0)
    track.speed = moved / (track.missed + 1)
    track.face, track.missed = face, 0


def _known_number(face: Face, known: dict[int, Face], *, taken: set[int]) -> int | None:
    near = [(_distance(face, other), number) for number, other in known.items() if number not in taken]
    distance, number = min(near, default=(_REACH, None))
    return number if distance < _REACH else None


def _distance(first: Face, second: Face) -> float:
    """The distance of two faces as a fraction of their size; infinite if their sizes differ too much."""
    sizes = sorted((first.size, second.size))
    if sizes[1] > _LARGEST_CHANGE * sizes[0]:
        return float("inf")
    gap = first.landmarks.mean(axis=0) - second.landmarks.mean(axis=0)
    return float(np.hypot(*gap)) / (sum(sizes) / 2)


def _moved(face: Face, by: NDArray[np.float32]) -> Face:
    x, y, width, height = face.box
    box = (x + float(by[0]), y + float(by[1]), width, height)
    return replace(face, box=box, landmarks=face.landmarks + by)
