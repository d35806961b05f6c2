"""The manifest of derived files: resumable, and never a mixture."""

from pathlib import Path

import pytest

from snadnet.data.manifest import MANIFEST, Manifest, ManifestEntry, save_file
from snadnet.errors import DataError

HEADER = {"schema": "test-1", "size": 8}


def filled(folder: Path) -> Manifest:
    manifest = Manifest(folder, HEADER)
    for name in ("b.png", "a.png"):
        manifest.add([save_file(folder, name, name.encode(), source=f"{name}.jpg", split="train")])
    return manifest


def test_what_is_finished_is_known_again(tmp_path: Path) -> None:
    filled(tmp_path)
    again = Manifest(tmp_path, HEADER)
    assert again.holds(["a.png", "b.png"])
    assert not again.holds(["a.png", "c.png"])
    (tmp_path / "a.png").unlink()
    assert not again.holds(["a.png"])
    again.rewrite()
    files = [line.partition('"file":"')[2][:5] for line in (tmp_path / MANIFEST).read_text().splitlines()[1:]]
    assert files == ["a.png", "b.png"]


@pytest.mark.parametrize("left", [1, 20, 250])
def test_half_a_line_is_forgotten(tmp_path: Path, left: int) -> None:
    filled(tmp_path)
    whole = (tmp_path / MANIFEST).read_bytes()
    (tmp_path / MANIFEST).write_bytes(whole[:left])
    again = Manifest(tmp_path, HEADER)
    assert set(again.entries) == set(Manifest(tmp_path, HEADER).entries) < {"a.png", "b.png"}
    again.add([save_file(tmp_path, "c.png", b"c", source="c")])
    assert set(Manifest(tmp_path, HEADER).entries) == {*again.entries} >= {"c.png"}


def test_a_folder_made_in_another_way_is_refused(tmp_path: Path) -> None:
    filled(tmp_path)
    with pytest.raises(DataError, match=r"made with \{'size': 8\}, not \{'size': 16\}"):
        Manifest(tmp_path, {**HEADER, "size": 16})


def test_damage_is_named(tmp_path: Path) -> None:
    manifest = filled(tmp_path)
    (tmp_path / "a.png").write_bytes(b"other")
    (tmp_path / "b.png").unlink()
    (tmp_path / "c.png").touch()
    with pytest.raises(DataError, match=r"a\.png: was changed"):
        manifest.check(manifest.entries["a.png"])
    with pytest.raises(DataError, match=r"b\.png: cannot be read"):
        manifest.check(manifest.entries["b.png"])
    assert manifest.strangers() == [tmp_path / "c.png"]


@pytest.mark.parametrize("file", ["../a.png", "/a.png", "a//b.png", "a\\b.png", "C:/a.png", "a/../../b.png"])
def test_an_entry_cannot_lead_out_of_the_folder(file: str) -> None:
    with pytest.raises(ValueError, match="no path within the folder"):
        ManifestEntry(file=file, sha256="0" * 64, source="")
