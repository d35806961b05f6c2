"""Summary of a restoration, how it is saved and how a notebook shows it."""

from pathlib import Path

import numpy as np
import pytest

from snadnet.errors import OutputExistsError, PhotoError
from snadnet.faces import TEMPLATE, Restoration, RestoredFace, SkippedFace, side_by_side
from snadnet.photo import Photo, photo_from_array, read_photo, read_photo_bytes, write_photo

BOX = (0.0, 0.0, 9.0, 9.0)


def photo(value: int = 0) -> Photo:
    return photo_from_array(np.full((40, 60, 3), value, np.uint8))


def restoration(restored: int = 0, *reasons: str, original: Photo | None = None) -> Restoration:
    face = RestoredFace(BOX, TEMPLATE, 0.9, np.zeros((256, 256), np.uint8), 1.0, 2.0)
    skipped = tuple(SkippedFace(BOX, 0.9, reason) for reason in reasons)
    return Restoration(photo(200), original or photo(), (face,) * restored, skipped)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (restoration(), "no face found"),
        (restoration(1), "1 face: 1 restored"),
        (restoration(1, "too small (18 px)"), "2 faces: 1 restored, 1 too small (18 px)"),
        (restoration(0, "not chosen", "too small (9 px)", "not chosen"), "3 faces: 2 not chosen, 1 too small (9 px)"),
    ],
)
def test_the_summary_counts_each_reason(result: Restoration, words: str) -> None:
    assert result.summary == words


def test_the_repr_is_one_short_line(tmp_path: Path) -> None:
    assert repr(restoration(1)) == "<Restoration of a photo, 60 x 40 px; 1 face: 1 restored>"
    path = tmp_path / "a\nb.png"
    write_photo(photo(), path)
    text = repr(restoration(2, original=read_photo(path)))
    assert text.endswith("a\\nb.png, 60 x 40 px; 2 faces: 2 restored>")
    assert len(repr(restoration(1).faces[0])) < 200


def test_saving_writes_the_restored_photo_and_replaces_nothing_unasked(tmp_path: Path) -> None:
    result = restoration(1)
    for path in (tmp_path / "new" / "a.png", str(tmp_path / "b.png")):
        result.save(path)
        assert np.array_equal(read_photo(path).pixels, result.photo.pixels)
    with pytest.raises(OutputExistsError):
        result.save(tmp_path / "b.png")
    restoration(original=photo(9)).save(tmp_path / "b.png", overwrite=True)
    with pytest.raises(PhotoError, match="unknown photo format"):
        result.save(tmp_path / "c.gif")


def test_a_notebook_shows_the_restored_photo() -> None:
    result = restoration(1)
    shown = read_photo_bytes(result._repr_png_(), name="shown")
    assert shown.format == "PNG"
    assert np.array_equal(shown.pixels, result.photo.pixels)


def test_side_by_side_shows_before_and_after_without_metadata() -> None:
    shown = side_by_side(restoration(1))
    assert shown.pixels.shape == (40, 120, 3)
    assert not shown.pixels[:, :60].any()
    assert (shown.pixels[:, 60:] == 200).all()
    assert (shown.exif, shown.path, shown.texts, shown.alpha) == (None, None, (), None)


def test_an_array_of_a_photo_is_its_pixels() -> None:
    one = photo(7)
    assert np.array_equal(np.asarray(one), one.pixels)
    assert np.shares_memory(np.asarray(one), one.pixels)
    assert not np.shares_memory(np.array(one), one.pixels)
    assert np.asarray(one, np.float32).dtype == np.float32
