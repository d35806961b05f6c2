"""The reports in JSON: their schema is what docs/guides/batches.md says."""

import errno
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from snadnet.batch.records import SCHEMA, Record, Status
from snadnet.cli.deblur import report
from snadnet.cli.deblur.report import exit_code
from snadnet.errors import WeightsError
from support.cli_fakes import BOX, LANDMARKS, app, fake_deblurrer, files, module, photo, run, usage_words  # noqa: F401

FIELDS = {"schema", "source", "status", "message", "outputs", "faces", "skipped_faces", "notes", "seconds", "clip"}


def strict(text):
    def refuse(word):
        raise ValueError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def batch():
    photo("in/a.png", red=20)
    photo("in/b.png", red=0)
    Path("in/c.png").write_text("text")
    photo("in/d.png")
    photo("o/d.png")


def check_records(records):
    assert [record["source"] for record in records] == [f"in/{name}.png" for name in "abcd"]
    assert [record["status"] for record in records] == ["restored", "no-face", "failed", "skipped"]
    assert all(set(record) == FIELDS and record["schema"] == SCHEMA for record in records)
    assert all(isinstance(record["seconds"], float) for record in records)
    restored, no_face, failed, skipped = records
    assert restored["message"] == "in/a.png: 2 faces: 1 restored, 1 too small (18 px) -> o/a.png"
    assert restored["outputs"] == ["o/a.png"]
    (face,) = restored["faces"]
    assert face == {
        "number": 0,
        "box": list(BOX),
        "landmarks": [list(point) for point in LANDMARKS],
        "confidence": 0.9,
        "sharpness_before": 1.0,
        "sharpness_after": None,  # no number in the first place
        "blur": None,
    }
    (small,) = restored["skipped_faces"]
    assert small == {"number": 0, "box": list(BOX), "confidence": 0.9, "reason": "too small (18 px)"}
    assert (no_face["outputs"], no_face["faces"]) == ([], [])
    assert failed["message"].startswith("in/c.png: is not a photo")
    assert skipped["outputs"] == ["o/d.png"]


def test_how_a_face_s_blur_is_explained():
    photo("a.png", red=50)
    run("a.png", "-o", "b.png", "--jsonl", "r.jsonl")
    (face,) = strict(Path("r.jsonl").read_text())["faces"]
    blur = {"length": 2.5, "angle": 0.0, "unexplained": 0.05, "noise": 0.03, "in_light": False, "explains": "hardly"}
    assert face["blur"] == blur


def test_a_json_document_has_a_record_for_each_photo_and_a_summary():
    batch()
    assert run("in", "-o", "o", "--skip-existing", "--json", "new/r.json").exit_code == 1
    document = strict(Path("new/r.json").read_text())
    check_records(document["photos"])
    assert document["schema"] == SCHEMA
    assert document["generator"].startswith("snadnet ")
    assert document["stopped_by"] is None
    summary = document["summary"]
    assert isinstance(summary.pop("seconds"), float)
    assert summary == {
        "photos": 4,
        "restored": 1,
        "no-face": 1,
        "failed": 1,
        "skipped": 1,
        "unreadable": 0,
        "not-reached": 0,
    }


def test_json_lines_have_one_for_each_photo():
    batch()
    assert run("in", "-o", "o", "--skip-existing", "--jsonl", "new/r.jsonl").exit_code == 1
    check_records([strict(line) for line in Path("new/r.jsonl").read_text().splitlines()])


def test_a_folder_without_photos_is_a_record_too():
    Path("in").mkdir()
    assert run("in", "-o", "o", "--json", "r.json").exit_code == 1
    (record,) = strict(Path("r.json").read_text())["photos"]
    assert (record["source"], record["status"]) == ("in", "failed")


def test_notes_are_in_the_record():
    photo("a.png")
    assert run("a.png", "-o", "b.jpg", "--json", "r.json").exit_code == 0
    assert strict(Path("r.json").read_text())["photos"][0]["notes"] == ["JPEG quality 95, 4:4:4"]


@pytest.mark.parametrize("option", ["--json", "--jsonl"])
def test_an_existing_report_is_kept_unless_told(fake, option):
    photo("a.png")
    Path("r").write_text("precious")
    result = run_expecting_error("a.png", "-o", "o", option, "r")
    assert "r: exists already" in result
    assert (Path("r").read_text(), fake.made, files()) == ("precious", [], ["a.png", "r"])
    assert run("a.png", "-o", "o", option, "r", "--overwrite").exit_code == 0
    assert "precious" not in Path("r").read_text()


def run_expecting_error(*arguments):
    return str(CliRunner().invoke(app, arguments).exception)


def test_lines_are_continued_where_the_batch_is_even_after_half_a_line():
    photo("in/a.png")
    photo("in/b.png")
    assert run("in/a.png", "-o", "o", "--jsonl", "r.jsonl").exit_code == 0
    with Path("r.jsonl").open("a") as file:
        file.write('{"half')
    assert run("in", "-o", "o", "--jsonl", "r.jsonl", "--skip-existing").exit_code == 0
    first, half, *others = Path("r.jsonl").read_text().splitlines()
    assert half == '{"half'
    assert [strict(line)["status"] for line in (first, *others)] == ["restored", "skipped", "restored"]


def test_a_report_is_no_device_and_no_link(fake):
    photo("a.png")
    Path("target").write_text("precious")
    Path("link").symlink_to("target")
    for place in ("/dev/null", "link"):
        result = run("a.png", "-o", "o", "--json", place, "--overwrite")
        assert (result.exit_code, fake.made) == (2, [])
        assert "not a regular file" in usage_words(result)
    assert Path("link").is_symlink()


def test_any_file_name_survives():
    name = os.fsdecode(b"a\xff\n\xc3\xa9 \"'.png")
    photo("b.png")
    Path("b.png").rename(name)
    assert run(name, "-o", "o", "--jsonl", "r.jsonl").exit_code == 0
    (line,) = Path("r.jsonl").read_text().splitlines()
    assert strict(line)["source"] == name


def test_a_report_that_cannot_be_written_is_an_error_and_the_finished_files_stay(monkeypatch):
    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(report, "write_atomically", full)
    photo("a.png")
    assert "No space left" in run_expecting_error("a.png", "-o", "o", "--json", "r.json")
    assert files() == ["a.png", "o/a.png"]


def test_a_report_that_can_never_be_written_is_an_error_before_any_work(fake, monkeypatch):
    photo("a.png")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "closed")
    assert "Permission denied" in run_expecting_error("a.png", "-o", "o", "--json", "closed/r.json")
    assert (fake.made, files()) == ([], ["a.png"])


def test_where_nothing_can_be_begun_no_report_stands_in_the_way_next_time(monkeypatch):
    def missing(**_options):
        raise WeightsError("w.onnx: no such weights file")

    photo("a.png")
    monkeypatch.setattr("snadnet.deblurrer.Deblurrer", missing)
    assert "w.onnx" in run_expecting_error("a.png", "-o", "o", "--jsonl", "r.jsonl", "--json", "r.json")
    assert files() == ["a.png"]


def test_numbers_in_words():
    assert exit_code(Counter(), require_face=True) == 0
    assert exit_code(Counter({Status.SKIPPED: 5, Status.RESTORED: 1}), require_face=True) == 0
    assert strict(Record("a", Status.FAILED, "b", seconds=1.23456).as_json())["seconds"] == 1.235
