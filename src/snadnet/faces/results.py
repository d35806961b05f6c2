"""What was done to a photo: the restored faces, the skipped ones, before and after."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snadnet.faces.types import Box
from snadnet.photo import Photo


@dataclass(frozen=True, eq=False)
class RestoredFace:
    """A face that was restored.

    Attributes:
        box: ``(x, y, width, height)`` in photo pixels; may reach over the border.
        landmarks: float32 ``(5, 2)`` in photo pixels, ordered as :data:`snadnet.faces.LANDMARK_NAMES`.
        confidence: The detector's score in [0, 1]; 1 where no detector was asked, 0 for a face given by hand
            that it does not see.
        parsing: uint8 ``(256, 256)``, the class ids (:mod:`snadnet.faces.classes`) of the canonical crop; None where
            the network parses no faces.
        sharpness_before: :func:`snadnet.faces.measure_sharpness` of the crop of the photo as it came.
        sharpness_after: The same of the crop of the result.
        number: Its place among the faces that were found, as :class:`snadnet.faces.FaceNumber` takes it; 0 for a
            face that was given and not looked for.
    """

    box: Box
    landmarks: NDArray[np.float32]
    confidence: float
    parsing: NDArray[np.uint8] | None
    sharpness_before: float
    sharpness_after: float
    number: int = 0


@dataclass(frozen=True)
class SkippedFace:
    """A face that was found and left as it is.

    Attributes:
        box: ``(x, y, width, height)`` in photo pixels.
        confidence: The detector's score in [0, 1].
        reason: Why, in a few words, such as ``"too small (18 px)"`` or ``"not chosen"``.
        number: As for a restored face.
    """

    box: Box
    confidence: float
    reason: str
    number: int = 0


@dataclass(frozen=True, eq=False)
class Restoration:
    """A restored photo and what was done to it.

    Attributes:
        photo: The result, with the original's size, transparency, profile and EXIF.
        original: The photo as it was read.
        faces: The restored faces from the largest to the smallest; empty where none was found.
        skipped: The faces that were found and not restored, in the same order.
    """

    photo: Photo
    original: Photo
    faces: tuple[RestoredFace, ...]
    skipped: tuple[SkippedFace, ...]
