"""Landmarks made smooth along a track.

The detector's landmarks wander from frame to frame (``benchmarks/video.py``). A straight line is laid through those
of the frames around, near frames counting more, and the face is aligned by where the line passes the middle frame. A
line, not a mean: a face that walks through the picture would else be aligned too far behind where its track begins
and ends.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from snadnet.faces import Box, face_matrix
from snadnet.video.tracks import Moment
from snadnet.video.windows import windows

SMOOTHING_REACH: Final = 3
"""How many frames before and after are looked at."""

_SPREAD: Final = 1.5  # frames: standard deviation of the weights
_LEAST_SEEN: Final = 3  # frames around in which a face must be seen: one that flashes up is mostly none
_FOR_A_LINE: Final = 3  # observations; of fewer the mean is taken


@dataclass(frozen=True, eq=False)
class AlignedFace:
    """A face of one frame, in its track.

    Attributes:
        number: The track's number, from 1.
        box: ``(x, y, width, height)`` in pixels of the frame as it is seen, made smooth too.
        matrix: float64 ``(2, 3)`` from those pixels to the crop's.
        reason: Why it is left as it is, in a few words; None for a face that is restored.
    """

    number: int
    box: Box
    matrix: NDArray[np.float64]
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class AlignedMoment:
    """A frame with its faces aligned.

    Attributes:
        moment: The frame.
        faces: From the largest to the smallest.
    """

    moment: Moment
    faces: tuple[AlignedFace, ...]

    @property
    def restored(self) -> tuple[AlignedFace, ...]:
        """The faces that are restored."""
        return tuple(face for face in self.faces if face.reason is None)


def align_faces(moments: Iterable[Moment], *, min_face: int, max_faces: int) -> Iterator[AlignedMoment]:
    """Align the faces of each frame by landmarks that are smooth along their tracks.

    A frame in which a face was missed gets it from the frames around, if it was seen before and after it.

    Args:
        moments: The frames in order, from `snadnet.video.tracks.join_tracks`.
        min_face: Smallest box, shorter side in pixels, that is restored.
        max_faces: Most faces of one frame that are restored, the largest first.
    """
    for place, window in windows(moments, SMOOTHING_REACH):
        moment = window[place]
        scene = {k - place: each for k, each in enumerate(window) if each.scene == moment.scene}
        numbers = sorted({number for each in scene.values() for number in each.seen})
        faces = [face for number in numbers if (face := _smooth(number, scene)) is not None]
        faces.sort(key=lambda face: (-face.box[2] * face.box[3], face.number))
        yield AlignedMoment(moment, tuple(_selected(faces, min_face=min_face, max_faces=max_faces)))


def _smooth(number: int, scene: dict[int, Moment]) -> AlignedFace | None:
    """The face of a track in the middle frame, offset 0; None if it is not there."""
    seen = {offset: moment.seen[number] for offset, moment in scene.items() if number in moment.seen}
    between = min(seen) < 0 < max(seen)
    if not (0 in seen or between) or len(seen) < min(_LEAST_SEEN, len(scene)):
        return None
    offsets = np.array(list(seen), np.float64)
    values = np.stack([np.concatenate([face.landmarks.ravel(), face.box]) for face in seen.values()]).astype(np.float64)
    smooth = line_at_zero(offsets, values)
    x, y, width, height = smooth[10:].tolist()
    return AlignedFace(number, (x, y, width, height), face_matrix(smooth[:10].reshape(5, 2)))


def line_at_zero(offsets: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a weighted straight line through values has at offset 0.

    Args:
        offsets: ``(N,)``, in frames.
        values: ``(N, K)``.

    Returns:
        ``(K,)``; the weighted mean where there are fewer than three values.
    """
    weights = np.exp(-((offsets / _SPREAD) ** 2) / 2)
    terms = [np.ones_like(offsets), offsets] if len(offsets) >= _FOR_A_LINE else [np.ones_like(offsets)]
    design = np.stack(terms, axis=1) * np.sqrt(weights)[:, None]
    solution = np.linalg.lstsq(design, values * np.sqrt(weights)[:, None], rcond=None)[0]
    return np.asarray(solution[0])


def _selected(faces: Sequence[AlignedFace], *, min_face: int, max_faces: int) -> Iterator[AlignedFace]:
    taken = 0
    for face in faces:
        size = min(face.box[2:])
        reason = None
        if size < min_face:
            reason = f"too small ({int(size)} px)"
        elif taken >= max_faces:
            reason = f"more than {max_faces} {'face' if max_faces == 1 else 'faces'}"
        else:
            taken += 1
        yield AlignedFace(face.number, face.box, face.matrix, reason)
