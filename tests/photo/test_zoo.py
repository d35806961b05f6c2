"""Every file of the hostile zoo is a photo, which can be written again, or one clear line."""

import errno
import os
import re
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest

from snadnet.errors import PhotoError
from snadnet.photo import photo_from_array, read_photo, read_photo_bytes, write_photo
from support.hostile_zoo import PHOTO, build_zoo
from support.photo_samples import picture


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return build_zoo(tmp_path_factory.mktemp("zoo"))


def outcome_of(path, output):
    try:
        photo = read_photo(path)
    except PhotoError as error:
        line = str(error)
        assert line.isprintable(), f"not one line: {line!r}"
        return line
    assert all(note.isprintable() for note in photo.notes)
    # Whatever could be read can be written without loss, and is then an ordinary photo.
    write_photo(photo, output, overwrite=True)
    again = read_photo(output)
    assert (again.pixels == photo.pixels).all()
    assert again.notes == ()
    return PHOTO


def test_each_file_has_the_outcome_it_should(zoo, tmp_path):
    assert len(zoo) >= 60
    surprises = {}
    for specimen in zoo:
        try:
            outcome = outcome_of(specimen.path, tmp_path / "b.png")
        except Exception as error:  # noqa: BLE001 - one surprise must not hide the others
            outcome = repr(error)
        if not re.search(specimen.outcome, outcome):
            surprises[specimen.path.name] = outcome
    assert surprises == {}
    assert [path.name for path in tmp_path.iterdir()] == ["b.png"]


def test_bytes_have_the_outcome_of_the_file(zoo):
    for specimen in zoo:
        if not specimen.path.name.startswith(("cut_", "text_", "bomb", "three_")) or specimen.path.is_dir():
            continue
        try:
            expected = read_photo(specimen.path).notes
        except PhotoError as error:
            with pytest.raises(PhotoError) as caught:
                read_photo_bytes(specimen.path.read_bytes(), name="a\nname")
            assert str(caught.value) == str(error).replace(str(specimen.path), r"a\nname")
        else:
            photo = read_photo_bytes(specimen.path.read_bytes(), name="a name")
            assert (photo.notes, photo.path) == (expected, None)


def test_the_zoo_can_be_built_anew_in_its_folder(tmp_path):
    first, second = build_zoo(tmp_path), build_zoo(tmp_path)
    assert first == second


def test_a_folder_that_cannot_be_written_is_told_in_words(tmp_path, monkeypatch):
    def refuse(*_arguments, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    # The tests may run as root, to whom no folder is closed.
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PhotoError, match=r"a\.png: cannot be written \(Permission denied\)"):
        write_photo(photo_from_array(picture()), tmp_path / "a.png")


def test_a_disk_that_fills_up_at_the_last_moment_leaves_nothing(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PhotoError, match=r"a\.png: cannot be written \(No space left on device\)"):
        write_photo(photo_from_array(picture()), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


LIMITED = """
import resource, sys
import numpy as np
from snadnet.errors import PhotoError
from snadnet.photo import photo_from_array, write_photo
photo = photo_from_array(np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_photo(photo, sys.argv[1], overwrite=True)
except PhotoError as error:
    print(error)
"""


def test_a_quota_of_the_system_leaves_nothing_and_the_old_file_whole(tmp_path):
    (tmp_path / "a.png").write_bytes(b"old")
    for name in ("a.png", "b.png"):
        done = subprocess.run(
            [sys.executable, "-c", LIMITED, tmp_path / name], capture_output=True, text=True, timeout=60, check=False
        )
        assert re.fullmatch(r".*\.png: cannot be written \(File too large\); .*\n", done.stdout), done
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"old"


MEASURED = """
import resource, sys
from snadnet.errors import PhotoError
from snadnet.photo import read_photo
# The pages that a fork inherits count as its own: only growth tells.
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    try:
        read_photo(path)
    except PhotoError:
        pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_bomb_takes_little_memory(zoo):
    bombs = [str(specimen.path) for specimen in zoo if "bomb" in specimen.path.name]
    assert len(bombs) >= 8
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *bombs], capture_output=True, text=True, timeout=120, check=True
    )
    # Most of them claim gigabytes. A part of the growth is Pillow itself.
    assert int(done.stdout) < 200


def test_reading_in_threads_leaves_the_warning_filters_alone(tmp_path):
    write_photo(photo_from_array(picture(60, 60)), tmp_path / "a.png")
    before = list(warnings.filters)
    threads = [threading.Thread(target=lambda: [read_photo(tmp_path / "a.png") for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before
