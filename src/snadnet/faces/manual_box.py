"""Landmarks of a face in a manual box."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from snadnet.errors import ConfigError
from snadnet.faces.align import TEMPLATE
from snadnet.faces.choice import FaceBox
from snadnet.faces.detect import FaceDetector
from snadnet.faces.refine import fit_box
from snadnet.faces.types import Box, Face, common_area
from snadnet.photo import Photo, printable

_ENLARGED: Final = 2.0  # how many times the box's sides are what the detector is shown: it needs some surroundings
_MIN_AGREEMENT: Final = 0.3  # intersection over union of the given box and the detector's
_INSIDE: Final = 0.5  # least part of the box that lies in the photo

# Where the detector's box lies in the canonical crop: the mean over the seven images of examples/portraits,
# sharp and under a linear blur of 21 px.
_USUAL_CENTRE: Final = np.array([126.0, 142.0])
_USUAL_SIZE: Final = (143.0, 177.0)


def face_in_box(detector: FaceDetector, photo: Photo, choice: FaceBox) -> Face:
    """Return the face that a manual box holds.

    The detector looks into an enlarged box, at any orientation, and is believed at a low score, for that there
    is a face is known. Where it sees none that fills about that box, the FFHQ template is placed there: upright,
    its centre on the box's centre, scaled so that the box takes the area that the detector's boxes usually take.

    Returns:
        The face with the given box; its confidence is the detector's score, or 0 where the template was placed.

    Raises:
        ConfigError: If less than half of the box lies in the photo.
    """
    height, width = photo.pixels.shape[:2]
    x, y, w, h = choice.box
    if common_area(choice.box, (0.0, 0.0, width, height)) < _INSIDE * w * h:
        name = printable(photo.path) if photo.path else "the photo"
        raise ConfigError(
            f"the face box {choice} lies outside {name} ({width} x {height} px), or more than half of it does;"
            " give x,y,width,height in its pixels"
        )
    left, top = max(0, int(x - w * (_ENLARGED - 1) / 2)), max(0, int(y - h * (_ENLARGED - 1) / 2))
    right, bottom = int(np.ceil(x + w * (_ENLARGED + 1) / 2)), int(np.ceil(y + h * (_ENLARGED + 1) / 2))
    part = photo.pixels[top:bottom, left:right]
    seen = [
        Face(choice.box, face.landmarks + np.array([left, top], np.float32), face.confidence)
        for face in detector.detect_known(part)
        if _agreement((face.box[0] + left, face.box[1] + top, *face.box[2:]), choice.box) > _MIN_AGREEMENT
    ]
    placed = Face(choice.box, _template_in(choice.box), 0.0)
    best = max(seen, key=lambda face: face.confidence, default=placed)
    refined = detector.refine(photo.pixels, best)
    # What was seen may itself lie beside the box.
    return refined if fit_box(refined.landmarks, choice.box) else placed


def _template_in(box: Box) -> NDArray[np.float32]:
    """The template's landmarks ``(5, 2)`` where the box says that the face is."""
    x, y, w, h = box
    scale = np.sqrt(w * h / (_USUAL_SIZE[0] * _USUAL_SIZE[1]))
    return np.asarray((TEMPLATE - _USUAL_CENTRE) * scale + (x + w / 2, y + h / 2), np.float32)


def _agreement(first: Box, second: Box) -> float:
    """Intersection over union."""
    common = common_area(first, second)
    return common / (first[2] * first[3] + second[2] * second[3] - common)
