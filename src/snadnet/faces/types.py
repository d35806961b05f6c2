"""Detected faces: box, landmarks and confidence."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
"""``(x, y, width, height)`` in pixels of the photo; it may reach over the photo's border."""


def common_area(first: Box, second: Box) -> float:
    """Return the area that two boxes share, in square pixels."""
    (x1, y1, w1, h1), (x2, y2, w2, h2) = first, second
    wide = min(x1 + w1, x2 + w2) - max(x1, x2)
    high = min(y1 + h1, y2 + h2) - max(y1, y2)
    return wide * high if wide > 0 and high > 0 else 0.0


LANDMARK_NAMES = ("image_left_eye", "image_right_eye", "nose_tip", "image_left_mouth", "image_right_mouth")
"""The order of the five landmarks, sides as the viewer sees them.

YuNet names its points from the person's side (right eye, left eye, nose tip, right and left corner of the
mouth). The person's right is the viewer's left, so that is the very order of the FFHQ five-point template
(`snadnet.faces.align.TEMPLATE`), and the mapping between the two is the identity.
"""


@dataclass(frozen=True, eq=False)
class Face:
    """One detected face.

    Attributes:
        box: The face from forehead to chin, ``(x, y, width, height)`` in photo pixels; may cross the border.
        landmarks: float32 ``(5, 2)``, x and y in photo pixels, in the order of `LANDMARK_NAMES`.
        confidence: The detector's score in [0, 1].
    """

    box: Box
    landmarks: NDArray[np.float32]
    confidence: float

    @property
    def size(self) -> float:
        """The box's shorter side in pixels."""
        return min(self.box[2], self.box[3])
