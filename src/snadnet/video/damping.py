"""Flicker: measured along the tracks, and damped.

Each frame is restored by itself, so what the network draws changes from frame to frame with the blur and the noise.
This is damped by a mean over the restored crops of the frames around. Each is brought onto the middle one by dense
optical flow between the restored crops, and weighted, pixel by pixel, by how well it then fits: where a mouth opens
or something passes before the face, the fit is poor and the frame's own pixels stay.

The mean is over restored crops, not over residuals: a residual undoes the blur of its own frame. What was compared is
in `docs/guides/video.md` (``benchmarks/video.py``).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from snadnet.faces import CROP_SIZE, Patch, feather_mask
from snadnet.image_arrays import to_uint8
from snadnet.video.alignment import AlignedMoment
from snadnet.video.windows import windows

DAMPING_REACH: Final = 2
"""How many frames before and after take part in the mean."""

SPREAD: Final = 1.5
"""Standard deviation of the frames' weights, in frames."""

MISFIT: Final = 0.12
"""Difference, in [0, 1], by which a pixel of another frame loses most of its weight."""

_MISFIT_SIGMA: Final = 3.0  # pixels over which the difference is averaged
_ROWS, _COLUMNS = np.mgrid[:CROP_SIZE, :CROP_SIZE].astype(np.float32)


@dataclass(frozen=True, eq=False)
class RestoredMoment:
    """A frame with the crops of its faces, before and after the network.

    Attributes:
        aligned: The frame and its faces.
        crops: float32 ``(256, 256, 3)`` in [0, 1] as they came, by the track's number.
        restored: Likewise, restored.
    """

    aligned: AlignedMoment
    crops: dict[int, NDArray[np.float32]]
    restored: dict[int, NDArray[np.float32]]


@dataclass(frozen=True)
class Flicker:
    """Change of a face's crop from one frame to the next, in 8-bit grey levels.

    Attributes:
        before: Mean absolute difference of the crops as they came.
        after: The same of the restored crops.
    """

    before: float
    after: float


@dataclass(frozen=True, eq=False)
class DampedMoment:
    """A frame with what is to be changed in it.

    Attributes:
        aligned: The frame and its faces.
        patches: The change of each restored face.
        flicker: Of each face that was restored in the frame before too, by the track's number.
    """

    aligned: AlignedMoment
    patches: tuple[Patch, ...]
    flicker: dict[int, Flicker]


def damp(moments: Iterable[RestoredMoment], *, reach: int = DAMPING_REACH) -> Iterator[DampedMoment]:
    """Damp the flicker along the tracks, and measure what is left.

    Args:
        moments: The frames in order.
        reach: How many frames before and after take part; 0 leaves each frame as it was restored by itself.
    """
    last: dict[int, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
    for place, window in windows(moments, reach):
        middle = window[place]
        scene = middle.aligned.moment.scene
        patches, flicker, now = [], {}, {}
        for face in middle.aligned.restored:
            around = [
                (k - place, each.restored[face.number])
                for k, each in enumerate(window)
                if k != place and each.aligned.moment.scene == scene and face.number in each.restored
            ]
            crop = middle.crops[face.number]
            restored = mean_along_flow(middle.restored[face.number], around)
            patches.append(Patch(face.matrix, restored - crop))
            if face.number in last:
                before, after = last[face.number]
                flicker[face.number] = Flicker(difference(before, crop), difference(after, restored))
            now[face.number] = (crop, restored)
        last = now
        yield DampedMoment(middle.aligned, tuple(patches), flicker)


def mean_along_flow(
    restored: NDArray[np.float32], around: Iterable[tuple[int, NDArray[np.float32]]]
) -> NDArray[np.float32]:
    """Return the mean of a restored crop and those of other frames, brought onto it and weighted by their fit.

    Args:
        restored: float32 ``(256, 256, 3)`` in [0, 1].
        around: Of each other frame its distance in frames, and its crop.
    """
    flow_of = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    grey = cv2.cvtColor(to_uint8(restored), cv2.COLOR_RGB2GRAY)
    total, weights = restored.copy(), np.ones(restored.shape[:2], np.float32)
    for offset, other in around:
        flow = flow_of.calc(grey, cv2.cvtColor(to_uint8(other), cv2.COLOR_RGB2GRAY), None)  # type: ignore[call-overload]
        moved = cv2.remap(
            other, _COLUMNS + flow[..., 0], _ROWS + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        misfit = cv2.GaussianBlur(np.abs(moved - restored).mean(axis=2), (0, 0), _MISFIT_SIGMA)
        weight = np.exp(-((offset / SPREAD) ** 2) / 2 - (misfit / MISFIT) ** 2 / 2).astype(np.float32)
        total += weight[..., None] * moved
        weights += weight
    return np.asarray(total / weights[..., None], np.float32)


def difference(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the mean absolute difference of two crops in 8-bit grey levels, weighted as they are pasted."""
    mask = feather_mask(first.shape[0])
    apart = np.abs(first - second).mean(axis=2)
    return 255 * float((apart * mask).sum() / mask.sum())
