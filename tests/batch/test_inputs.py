"""Which photos a command line names: files, folders, trees and patterns."""

import inspect
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from snadnet.batch import inputs
from snadnet.batch.inputs import find_photos, names_one_file
from snadnet.photo import SUFFIXES, read_photo
from support.cli_fakes import fake_deblurrer, files, photo, photo_lines, run, summary  # noqa: F401


def paths(*arguments, **options):
    return [str(source.path) for source in find_photos([Path(argument) for argument in arguments], **options).sources]


def places(*arguments, **options):
    return [str(source.place) for source in find_photos([Path(argument) for argument in arguments], **options).sources]


def problems(*arguments, **options):
    return [item.message for item in find_photos([Path(argument) for argument in arguments], **options).problems]


def touch(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def test_a_folder_stands_for_its_photos_in_any_letter_case():
    for name in ("c.png", "A.PNG", "b.Png"):
        photo(f"in/{name}", format="PNG")
    photo("in/sub/d.png")
    photo("in/._c.png")
    Path("in/notes.txt").write_text("no photo")
    result = run("in", "-o", "out")
    assert result.exit_code == 0
    assert [line.split(":")[0] for line in photo_lines(result)] == ["in/A.PNG", "in/b.Png", "in/c.png"]
    assert files("out") == ["A.PNG", "b.Png", "c.png"]


def test_a_named_file_is_read_by_its_content():
    pixels = photo("scan.dat", format="PNG")
    photo("b.jpg", format="PNG")
    result = run("scan.dat", "b.jpg", "-o", "o")
    assert result.exit_code == 0
    assert np.array_equal(read_photo("o/scan.dat.png").pixels, 255 - pixels)
    assert read_photo("o/b.jpg").format == "JPEG"


def test_a_file_named_twice_is_done_once(fake):
    photo("in/a.png")
    assert run("in/a.png", "in", "./in/a.png", "in/*.png", "-o", "o").exit_code == 0
    assert len(fake.calls) == 1


def test_a_folder_without_photos_is_told_and_the_rest_done():
    Path("empty").mkdir()
    photo("a.png")
    result = run("empty", "a.png", "-o", "o")
    assert result.exit_code == 1
    assert result.stderr.startswith("empty: no photos in this folder; name one")
    assert files("o") == ["a.png"]


def test_a_url_is_called_one():
    photo("a.png")
    url = "https://example.com/in/a.jpg?size=large&x=[1]"
    result = run(url, "a.png", "-o", "o")
    assert result.exit_code == 1
    assert result.stderr == f"{url}: is a URL, and nothing is downloaded; download it first and name the file\n"
    assert files("o") == ["a.png"]
    assert "is a URL" in run(url).stderr


def test_heic_in_a_folder_fails_by_name_without_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr(inputs, "INPUT_SUFFIXES", frozenset(SUFFIXES))
    photo("in/a.png")
    Path("in/b.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(60))
    result = run("in", "-o", "o", "--json", "r.json")
    assert result.exit_code == 1
    assert result.stderr.startswith("in/b.HEIC: is a HEIC photo, which needs an extra; pip install 'snadnet[heic]'")
    assert result.stderr.count("\n") == 1
    assert summary(result) == "2 photos: 1 restored, 1 failed"


def test_photos_in_formats_that_are_not_read_are_counted_and_named():
    photo("in/a.png")
    touch("in/notes.txt", "in/z.GIF", "in/sub/b.jxl", *(f"in/IMG_{number}.CR2" for number in range(5)))
    result = run("in", "-r", "-o", "o", "--json", "r.json", "--jsonl", "r.jsonl")
    assert result.exit_code == 0
    assert result.stderr == (
        "7 photos left out in formats that are not read (GIF, JPEG XL, camera raw): in/IMG_0.CR2, in/IMG_1.CR2, "
        "in/IMG_2.CR2, in/IMG_3.CR2, in/IMG_4.CR2 and 2 more; convert to JPEG, PNG or TIFF\n"
    )
    assert summary(result) == "8 photos: 1 restored, 7 in a format that is not read"
    document = json.loads(Path("r.json").read_text())
    assert document["summary"]["unreadable"] == 7
    assert document["photos"] == [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    sources = [record["source"] for record in document["photos"] if record["status"] == "unreadable"]
    assert sources == [*(f"in/IMG_{number}.CR2" for number in range(5)), "in/z.GIF", "in/sub/b.jxl"]
    assert "in/z.GIF: is in a format that is not read (GIF)" in document["photos"][5]["message"]


def test_a_folder_of_such_photos_alone_is_not_done():
    touch("in/a.nef")
    result = run("in", "-o", "o")
    assert result.exit_code == 1
    assert "in/a.nef; convert to JPEG" in result.stderr


def test_an_empty_folder_alone_needs_no_network(fake):
    Path("empty").mkdir()
    result = run("empty", "-o", "o")
    assert (result.exit_code, fake.made, files()) == (1, [], [])


def test_a_tree_is_kept():
    for name in ("b.png", "x/a.png", "x/y/a.png", "z/a.png"):
        photo(f"in/{name}")
    result = run("in", "--recursive", "-o", "out")
    assert result.exit_code == 0
    assert [line.split(":")[0] for line in photo_lines(result)] == [
        "in/b.png",
        "in/x/a.png",
        "in/x/y/a.png",
        "in/z/a.png",
    ]
    assert files("out") == ["b.png", "x/a.png", "x/y/a.png", "z/a.png"]


def test_hidden_files_and_folders_are_left_out_unless_named():
    touch("in/.a.png", "in/.trash/b.png", "in/c.png")
    assert paths("in", recursive=True) == ["in/c.png"]
    assert paths("in/.a.png", "in/.trash") == ["in/.a.png", "in/.trash/b.png"]


def test_links_to_folders_end_no_tree_and_are_told():
    touch("in/x/a.png", "elsewhere/b.png")
    Path("in/x/loop").symlink_to("..")
    Path("in/other").symlink_to(Path("elsewhere").absolute())
    found = find_photos([Path("in")], recursive=True)
    assert [str(source.path) for source in found.sources] == ["in/x/a.png"]
    assert found.problems == ()
    assert [line.split(":")[0] for line in found.notices] == ["in/other", "in/x/loop"]
    # Named by the user, the link is a folder like any other.
    assert paths("in/other", recursive=True) == ["in/other/b.png"]


def test_links_to_files_count_and_dangling_ones_fail_by_themselves():
    photo("elsewhere/a.png")
    Path("in").mkdir()
    Path("in/a.png").symlink_to(Path("elsewhere/a.png").absolute())
    Path("in/b.png").symlink_to("nowhere.png")
    result = run("in", "-o", "o")
    assert result.exit_code == 1
    assert result.stderr == "in/b.png: no such file; check the path\n"
    assert files("o") == ["a.png"]


def test_the_results_of_an_earlier_run_are_no_inputs():
    photo("in/a.png")
    photo("in/sub/b.png")
    for _ in range(2):
        result = run("in", "-r", "-o", "in/out", "--save-faces", "in/faces", "--overwrite")
        assert [line.split(":")[0] for line in photo_lines(result)] == ["in/a.png", "in/sub/b.png"]
    assert files("in/out") == ["a.png", "sub/b.png"]


def test_a_tree_deeper_than_python_recurses_is_no_trouble():
    start, limit = Path.cwd(), sys.getrecursionlimit()
    try:
        for _ in range(300):
            Path("d").mkdir()
            os.chdir("d")
        Path("a.png").touch()
    finally:
        os.chdir(start)
    sys.setrecursionlimit(len(inspect.stack()) + 200)
    try:
        assert len(paths("d", recursive=True)) == 1
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any folder")
def test_a_closed_folder_is_told_and_the_rest_done():
    touch("in/a.png", "in/closed/b.png")
    Path("in/closed").chmod(0)
    try:
        assert paths("in", recursive=True) == ["in/a.png"]
        assert problems("in", recursive=True)[0].startswith("in/closed: folder cannot be read (Permission denied)")
    finally:
        Path("in/closed").chmod(0o700)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/*.png", ["in/a.png", "in/b.png"]),
        ("in/?.p*", ["in/a.png", "in/b.png"]),
        ("in/[b-z].png", ["in/b.png"]),
        ("in/*/*.png", ["in/x/c.png"]),
        ("in/**/*.png", ["in/a.png", "in/b.png", "in/x/c.png", "in/x/y/d.png"]),
        ("in/*", ["in/a.png", "in/b.png", "in/notes.txt"]),
        ("in/.*.png", ["in/.h.png"]),
    ],
)
def test_a_quoted_pattern_stands_for_the_files_it_matches(pattern, expected):
    touch("in/a.png", "in/b.png", "in/notes.txt", "in/.h.png", "in/.t/e.png", "in/x/c.png", "in/x/y/d.png")
    Path("in/x/loop").symlink_to("..")
    assert sorted(paths(pattern)) == expected
    assert sorted(paths(Path.cwd() / pattern)) == [str(Path.cwd() / name) for name in expected]


def test_what_lies_below_the_fixed_part_of_a_pattern_is_a_tree():
    touch("in/x/a.png", "in/y/z/a.png")
    assert places("in/**/*.png") == ["x", "y/z"]
    assert places("in/x/*.png") == ["."]


def test_a_file_with_wildcards_in_its_name_is_a_file():
    touch("photo[1].png", "photo1.png")
    assert paths("photo[1].png") == ["photo[1].png"]
    assert names_one_file([Path("photo[1].png")])
    assert not names_one_file([Path("photo[2].png")])


@pytest.mark.parametrize("pattern", ["*.gif", "none/*.png", "in/**x/[/*", "in/*/../../x/*"])
def test_a_pattern_without_files_is_told(pattern):
    touch("in/a/b.png", "x/c.png")
    assert paths(pattern) == []
    (line,) = problems(pattern)
    assert line.startswith(f"{pattern}: ")


def test_a_missing_file_and_one_that_is_no_file_fail_by_themselves():
    photo("a.png")
    os.mkfifo("pipe.png")
    result = run("missing.png", "pipe.png", "a.png", "-o", "o")
    assert result.exit_code == 1
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["missing.png", "pipe.png"]
    assert files("o") == ["a.png"]
