import sys
from importlib.metadata import version

import pytest

from snadnet.errors import DataError
from snadnet.evaluation.setting import last_pictures, run_header


def test_the_last_pictures_are_the_last_by_name_whatever_the_letter_case(tmp_path):
    for name in ("b.JPG", "a.png", "c.webp", "notes.txt", "z.csv"):
        (tmp_path / name).touch()
    (tmp_path / "d.png.txt").touch()
    assert [path.name for path in last_pictures(tmp_path, 2)] == ["b.JPG", "c.webp"]
    assert [path.name for path in last_pictures(tmp_path, 9)] == ["a.png", "b.JPG", "c.webp"]


def test_a_missing_or_empty_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="no such folder") as caught:
        last_pictures(tmp_path / "nowhere", 5)
    assert "nowhere" in str(caught.value)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match="no pictures"):
        last_pictures(tmp_path, 5)


def test_the_header_repeats_the_command_line_as_it_can_be_typed(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["benchmarks/x.py", "--faces", "my faces", "--last", "3"])
    lines = run_header(["numpy"]).splitlines()
    assert lines[0] == "$ python benchmarks/x.py --faces 'my faces' --last 3"
    assert "cores" in lines[1]
    assert f"numpy {version('numpy')}" in lines[2]
