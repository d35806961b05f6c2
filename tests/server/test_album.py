"""Photos are kept for a while, and never more than was said."""

import numpy as np
import pytest

pytest.importorskip("starlette", reason="needs the extra: pip install 'snadnet[server]'")

from snadnet.photo import photo_from_array
from snadnet.server.album import Album
from snadnet.server.errors import NotFoundError

PHOTO = photo_from_array(np.zeros((10, 10, 3), np.uint8))
BYTES = 2 * 300


def test_the_one_that_was_not_asked_for_longest_goes_first():
    album = Album(most=2, most_bytes=10**9, seconds=10)
    first, second = (album.add(name, PHOTO, ()).key for name in "ab")
    album.get(first)
    album.add("c", PHOTO, ())
    assert album.get(first).name == "a"
    with pytest.raises(NotFoundError):
        album.get(second)


def test_a_photo_that_nobody_asks_for_is_forgotten():
    now = [0.0]
    album = Album(most=9, most_bytes=10**9, seconds=10, clock=lambda: now[0])
    key = album.add("a", PHOTO, ()).key
    now[0] = 9
    album.get(key)
    now[0] = 18
    album.get(key)
    now[0] = 29
    assert len(album) == 0


def test_memory_is_bounded_but_the_newest_stays():
    album = Album(most=9, most_bytes=2 * BYTES, seconds=10)
    for name in "abc":
        album.add(name, PHOTO, ())
    assert len(album) == 2
    tiny = Album(most=9, most_bytes=1, seconds=10)
    assert tiny.get(tiny.add("a", PHOTO, ()).key).name == "a"


def test_keys_are_hard_to_guess():
    album = Album(most=99, most_bytes=10**9, seconds=10)
    keys = {album.add("a", PHOTO, ()).key for _ in range(50)}
    assert len(keys) == 50
    assert all(len(key) >= 20 for key in keys)
