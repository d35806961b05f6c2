"""Images of the result: the photo with its faces numbered, and each face before and after."""

from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from snadnet.blur import kernel_to_image
from snadnet.faces.align import crop_face, face_matrix
from snadnet.faces.results import EstimatedBlur, Restoration
from snadnet.faces.types import Box
from snadnet.image_arrays import to_uint8
from snadnet.photo import Photo, photo_from_array

RESTORED_COLOUR: Final = (0, 200, 83)
"""RGB of the boxes of restored faces, which are drawn in full lines."""

SKIPPED_COLOUR: Final = (255, 145, 0)
"""RGB of the boxes of skipped faces, which are drawn in broken lines."""

_PIXELS_PER_LINE_WIDTH: Final = 400  # of the photo's longer side
_DASH: Final = 4  # line widths, and as many between two dashes
_DIGIT_HEIGHT: Final = 22  # pixels, of OpenCV's letters at scale 1
_KERNEL_SCALE: Final = 4
_WHITE: Final = (255, 255, 255)


def draw_boxes(restoration: Restoration) -> Photo:
    """Return the photo as it came, with a numbered box around each face that was found.

    Restored faces have full green lines, skipped ones broken orange lines. The numbers are those that
    `snadnet.faces.FaceNumber` takes; a face in a manual box has none.

    Returns:
        An opaque RGB photo of the original's size with its colour profile and without its EXIF.
    """
    original = restoration.original
    pixels = original.pixels.copy()
    width = max(1, round(max(pixels.shape[:2]) / _PIXELS_PER_LINE_WIDTH))
    for skipped in restoration.skipped:
        _draw(pixels, skipped.box, skipped.number, SKIPPED_COLOUR, width, broken=True)
    for face in restoration.faces:
        _draw(pixels, face.box, face.number, RESTORED_COLOUR, width, broken=False)
    # A grey profile, and the tables of a grey JPEG, fit no coloured lines.
    profile = None if original.grey else original.icc_profile
    jpeg = None if original.grey else original.jpeg
    return replace(original, pixels=pixels, alpha=None, grey=False, icc_profile=profile, exif=None, jpeg=jpeg)


def side_by_side(restoration: Restoration) -> Photo:
    """Return one image of the photo as it came and, to its right, the restored photo.

    Returns:
        An opaque PNG photo, twice as wide as the original, with its colour profile and nothing else of its metadata:
        that would not be true of an image that shows the photo twice.
    """
    before, after = restoration.original, restoration.photo
    joined = np.concatenate([before.pixels, after.pixels], axis=1)
    return replace(
        before,
        pixels=joined,
        alpha=None,
        exif=None,
        format="PNG",
        path=None,
        jpeg=None,
        xmp=None,
        iptc=None,
        texts=(),
    )


def face_images(restoration: Restoration) -> list[tuple[Photo, Photo]]:
    """Return the canonical 256 px crop of each restored face before and after, in the order of ``restoration.faces``.

    The faces stand upright in them. Each is a PNG photo with the original's colour profile, and opaque.
    """
    pairs = []
    for face in restoration.faces:
        matrix = face_matrix(face.landmarks)
        before, after = (
            replace(
                photo,
                pixels=to_uint8(crop_face(photo.pixels, matrix)),
                alpha=None,
                format="PNG",
                exif=None,
                path=None,
                jpeg=None,
            )
            for photo in (restoration.original, restoration.photo)
        )
        pairs.append((before, after))
    return pairs


def kernel_photo(blur: EstimatedBlur) -> Photo:
    """Return a face's blur kernel as a grey photo, upright as its crop is, four pixels a pixel of the crop.

    Its largest weight is white.
    """
    image = kernel_to_image(blur.kernel).repeat(_KERNEL_SCALE, axis=0).repeat(_KERNEL_SCALE, axis=1)
    return photo_from_array(image)


def _draw(
    pixels: NDArray[np.uint8], box: Box, number: int, colour: tuple[int, int, int], width: int, *, broken: bool
) -> None:
    height, across = pixels.shape[:2]
    # A box may reach over the border; its lines are drawn inside.
    left, top = max(0, round(box[0])), max(0, round(box[1]))
    right, bottom = min(across, round(box[0] + box[2])), min(height, round(box[1] + box[3]))
    inside = pixels[top:bottom, left:right]
    rows, columns = np.arange(inside.shape[0])[:, None], np.arange(inside.shape[1])
    on_line = np.minimum(rows, inside.shape[0] - 1 - rows) < width
    on_line = on_line | (np.minimum(columns, inside.shape[1] - 1 - columns) < width)
    if broken:
        on_line &= (rows + columns) // (_DASH * width) % 2 == 1
    inside[on_line] = colour
    if number > 0:
        _label(inside, str(number), colour, width)


def _label(inside: NDArray[np.uint8], text: str, colour: tuple[int, int, int], width: int) -> None:
    """Write a number, white on its colour, into the upper left corner of a box."""
    scale = max(0.5, 12 * width / _DIGIT_HEIGHT)
    (across, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, width)
    foot = height + below
    inside[: foot + below, : across + 2 * width] = colour
    letters = np.zeros((foot + below, across + 2 * width), np.uint8)
    cv2.putText(letters, text, (width, foot), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, width, cv2.LINE_AA)
    corner = inside[: letters.shape[0], : letters.shape[1]]
    corner[letters[: corner.shape[0], : corner.shape[1]] > 127] = _WHITE  # noqa: PLR2004 - half of full
