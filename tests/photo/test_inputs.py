"""Forms in which a photo is accepted, and the words that refuse all others."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from snadnet.errors import PhotoError
from snadnet.photo import Limits, photo_from_array
from snadnet.photo.inputs import as_photo

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.fromarray(PIXELS).save(path)
    return path


def test_all_that_holds_a_photo_is_taken(file):
    content = file.read_bytes()
    photo = photo_from_array(PIXELS)
    ahead = io.BytesIO(content)
    ahead.seek(0, io.SEEK_END)  # as after writing to it
    with file.open("rb") as opened:
        things = (file, str(file), content, bytearray(content), memoryview(content), io.BytesIO(content), ahead, opened)
        for thing in (*things, Image.open(file), PIXELS, PIXELS / 255, photo):
            assert np.array_equal(as_photo(thing).pixels, PIXELS)
    assert as_photo(photo) is photo


class Stream(io.RawIOBase):
    """A file that cannot be rewound, such as a socket's."""

    def __init__(self, content: bytes) -> None:
        self._rest = content

    def read(self, size: int = -1) -> bytes:
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


def test_a_stream_is_read_as_far_as_the_limit(file):
    assert np.array_equal(as_photo(Stream(file.read_bytes())).pixels, PIXELS)
    endless = Stream(bytes(5000))
    with pytest.raises(PhotoError, match=r"the open file: is .* large, more than the limit"):
        as_photo(endless, limits=Limits(max_file_bytes=1000))
    assert len(endless._rest) == 3999


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (np.zeros((3, 20, 30), np.uint8), r"shape \(3, 20, 30\), its channels first; .*np\.moveaxis"),
        (np.zeros((1, 20, 30)), "its channels first"),
        (np.zeros((2, 20, 30, 3)), "a batch; give one image"),
        (np.zeros((20, 30, 2)), "has shape"),
        (np.full((20, 30, 3), 2.0), r"values outside \[0, 1\]"),
        (np.full((20, 30, 3), np.nan), r"values outside \[0, 1\]"),
        (np.zeros((20, 30, 3), np.int64), "is of type int64"),
        (torch.zeros(3, 20, 30), r"a tensor is no photo; give tensor\.permute\(1, 2, 0\)"),
        (torch.zeros(20, 30, 3), r"a tensor is no photo; give tensor\.cpu\(\)"),
        (torch.zeros(2, 3, 20, 30), r"a tensor is no photo; give one image, as tensor\.permute\(1, 2, 0\)"),
        ("https://example.com/a.jpg", "^https://example.com/a.jpg: is a URL, and nothing is downloaded"),
        ([PIXELS, PIXELS], "a list is no photo; .* one at a time"),
        (None, "None is no photo; give a path"),
        (3, "an object of type int is no photo"),
        (b"", "the bytes: is empty"),
        (b"no photo", "the bytes: "),
        (io.StringIO("text"), "gives text where bytes are needed; open it with mode 'rb'"),
    ],
)
def test_what_is_no_photo_is_said(thing, words):
    with pytest.raises(PhotoError, match=words) as caught:
        as_photo(thing)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(file, tmp_path):
    with file.open("rb") as closed:
        pass
    with pytest.raises(PhotoError, match=r"photo\.png: cannot be read .*; give a file that is open"):
        as_photo(closed)
    with (tmp_path / "new.png").open("wb") as writing, pytest.raises(PhotoError, match=r"new\.png: cannot be read"):
        as_photo(writing)
