"""The way of a clip's frames: found, joined into tracks, aligned, restored, damped, pasted; a few frames at a time."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from snadnet.concurrency import StopSignal, in_order
from snadnet.deblurrer import Deblurrer
from snadnet.faces import Face, Patch, blended_change, crop_face, patch_tiles
from snadnet.faces.warp import compose
from snadnet.inference import without_choice
from snadnet.video.alignment import SMOOTHING_REACH, AlignedMoment, align_faces
from snadnet.video.damping import DAMPING_REACH, DampedMoment, RestoredMoment, damp
from snadnet.video.planes import add_change, to_rgb, turning
from snadnet.video.tracks import MAX_GAP, TURNED_EVERY, Moment, find_faces, join_tracks

RUN_UP: Final = SMOOTHING_REACH + DAMPING_REACH + MAX_GAP + 1
"""How many frames before one must be gone through for it to come out as if the clip had been done from its start."""


@dataclass(frozen=True)
class RestoringOptions:
    """How the frames are restored.

    Attributes:
        strength: Part of the restoration that is applied, in [0, 1].
        damping: Whether flicker is damped.
        workers: How many frames are searched and restored at a time.
    """

    strength: float
    damping: bool
    workers: int


def restore_frames(
    frames: Iterable[tuple[int, VideoFrame]],
    turns: int,
    deblurrer: Deblurrer,
    options: RestoringOptions,
    *,
    known: dict[int, dict[int, Face]],
    stop: StopSignal,
) -> Generator[DampedMoment, None, None]:
    """Restore the faces of a clip's frames.

    Args:
        frames: The frames in order, each with its place in the clip, of a format that
            `snadnet.video.planes.add_change` takes and held by nobody else.
        turns: By how many right angles to the left they are turned to be seen.
        deblurrer: Finds and restores the faces.
        options: How.
        known: As for `snadnet.video.tracks.join_tracks`.
        stop: Once a stop is requested, the frames end.

    Yields:
        Each frame, changed, and what was done to it.
    """
    detector = deblurrer.detector

    def search(item: tuple[int, VideoFrame]) -> Moment:
        index, frame = item
        return find_faces(index, frame, turns, detector, turned=index % TURNED_EVERY == 0)

    with closing(in_order(search, frames, workers=options.workers, stop=stop)) as searched:
        tracked = join_tracks(searched, detector, known)
        aligned = align_faces(tracked, min_face=deblurrer.min_face, max_faces=deblurrer.max_faces)
        restored = _restore_crops(aligned, deblurrer, at_once=options.workers)
        for moment in damp(restored, reach=DAMPING_REACH if options.damping else 0):
            paste(moment.aligned.moment.frame, turns, moment.patches, options.strength)
            yield moment


def _restore_crops(moments: Iterable[AlignedMoment], deblurrer: Deblurrer, *, at_once: int) -> Iterator[RestoredMoment]:
    """Cut and restore the crops, those of several frames together, so that all cores have work."""
    stream, network = iter(moments), without_choice(deblurrer.network)
    while group := list(islice(stream, at_once)):
        keys: list[tuple[int, int]] = []
        crops: list[NDArray[np.float32]] = []
        done: list[NDArray[np.float32]] = []
        for place, aligned in enumerate(group):
            if not aligned.restored:
                continue
            pixels = to_rgb(aligned.moment.frame, aligned.moment.turns)
            for face in aligned.restored:
                keys.append((place, face.number))
                crops.append(crop_face(pixels, face.matrix))
        for start in range(0, len(crops), deblurrer.batch_size):
            done.extend(network(np.stack(crops[start : start + deblurrer.batch_size])).restored)
        for place, aligned in enumerate(group):
            here = [k for k, key in enumerate(keys) if key[0] == place]
            yield RestoredMoment(aligned, {keys[k][1]: crops[k] for k in here}, {keys[k][1]: done[k] for k in here})


def paste(frame: VideoFrame, turns: int, patches: Iterable[Patch], strength: float) -> None:
    """Add the change of faces to a frame; its planes elsewhere stay as they are, to the bit.

    Args:
        frame: The frame, held by nobody else.
        turns: By how many right angles to the left it is turned to be seen.
        patches: The faces' changes, in pixels of the frame as it is seen.
        strength: Part of the change that is applied, in [0, 1].
    """
    width, height = frame.width, frame.height
    turn = turning(turns, width, height)
    stored = [Patch(compose(patch.matrix, turn), patch.residual) for patch in patches]
    if not strength:
        return
    for (left, top, right, bottom), here in patch_tiles(stored, width, height):
        size = (right - left, bottom - top)
        add_change(frame, blended_change(here, left=left, top=top, size=size, scale=strength), left, top)
