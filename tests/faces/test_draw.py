"""Boxes and numbers on the photo as it came, and each face before and after."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageCms

from snadnet import Deblurrer, FaceBox, LargestFace, Restoration, RestoredFace, SkippedFace
from snadnet.faces import TEMPLATE, draw_boxes, face_images
from snadnet.faces.draw import RESTORED_COLOUR, SKIPPED_COLOUR
from snadnet.photo import JpegCoding, photo_from_array


def face(box, number=0, landmarks=TEMPLATE):
    return RestoredFace(box, landmarks, 0.9, np.zeros((256, 256), np.uint8), 1.0, 2.0, number)


def result(faces, skipped=(), size=(300, 400), **changes):
    photo = photo_from_array(np.full((*size, 3), 50, np.uint8))
    photo = dataclasses.replace(photo, **changes)
    return Restoration(photo.with_pixels(photo.pixels + np.uint8(9)), photo, tuple(faces), tuple(skipped))


def places(pixels, colour):
    return np.argwhere((pixels == colour).all(axis=2))


def test_boxes_are_drawn_on_the_original_and_told_apart():
    drawn = draw_boxes(result([face((50, 60, 100, 120))], [SkippedFace((220, 60, 100, 120), 0.8, "too small (9 px)")]))
    full, broken = (places(drawn.pixels, colour) for colour in (RESTORED_COLOUR, SKIPPED_COLOUR))
    assert full.min(axis=0).tolist() == [60, 50]
    assert full.max(axis=0).tolist() == [179, 149]
    assert np.all((broken >= (60, 220)) & (broken < (180, 320)))
    # By their lines too, for those who cannot tell the colours apart: one is closed, the other has gaps.
    assert len(full) == 2 * 100 + 2 * 118
    assert 0.3 * len(full) < len(broken) < 0.7 * len(full)
    assert np.all(drawn.pixels[80:160, 70:130] == 50)


def test_numbers_stand_in_the_corner_and_differ():
    def corner(number):
        pixels = draw_boxes(result([face((50, 60, 100, 120), number)])).pixels[60:90, 50:80]
        return pixels, len(places(pixels, (255, 255, 255)))

    assert corner(0)[1] == 0
    assert corner(1)[1] > 5
    assert not np.array_equal(corner(1)[0], corner(2)[0])


@pytest.mark.parametrize(
    "box", [(-30, -20, 80, 90), (380, 290, 90, 90), (-10, -10, 999, 999), (500, 500, 9, 9), (10, 10, 1, 1)]
)
def test_boxes_over_the_border_are_drawn_inside(box):
    drawn = draw_boxes(result([face(box, 12)], [SkippedFace(box, 0.8, "not chosen", 7)]))
    assert drawn.pixels.shape == (300, 400, 3)


def test_what_is_drawn_can_be_written_anywhere():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    jpeg = JpegCoding(((1,) * 64,), 0)
    options = {"alpha": np.full((300, 400), 9, np.uint8), "exif": b"x", "icc_profile": profile, "jpeg": jpeg}
    drawn = draw_boxes(result([face((50, 60, 100, 120))], **options))
    assert (drawn.alpha, drawn.exif, drawn.grey) == (None, None, False)
    assert (drawn.icc_profile, drawn.jpeg) == (profile, jpeg)
    grey = draw_boxes(result([face((50, 60, 100, 120))], grey=True, **options))
    assert (grey.icc_profile, grey.jpeg, grey.grey) == (None, None, False)
    assert len(places(grey.pixels, RESTORED_COLOUR))


def test_a_face_before_and_after():
    wide = result([face((100, 70, 140, 180), 1, TEMPLATE + np.float32(50))], grey=True, path=Path("a.jpg"), exif=b"x")
    ((before, after),) = face_images(wide)
    assert before.pixels.shape == after.pixels.shape == (256, 256, 3)
    assert np.all(before.pixels == 50)
    assert np.all(after.pixels == 59)
    assert (before.grey, before.format, before.exif, before.path) == (True, "PNG", None, None)
    assert face_images(result([])) == []


def test_on_a_real_restoration(tiny_network, portrait):
    deblurrer = Deblurrer(weights=tiny_network, device="cpu")
    two = np.hstack([portrait, np.full((256, 60, 3), 128, np.uint8), portrait[:, ::-1]])
    restoration = deblurrer.restore(two, choice=LargestFace())
    pixels = draw_boxes(restoration).pixels
    assert len(places(pixels, RESTORED_COLOUR)) > 100
    assert len(places(pixels, SKIPPED_COLOUR)) > 50
    assert len(face_images(restoration)) == 1
    ((before, after),) = face_images(deblurrer.restore(two, choice=FaceBox(85, 75, 85, 105)))
    assert np.median(after.pixels[110:150, 110:150].astype(int) - before.pixels[110:150, 110:150]) > 15
