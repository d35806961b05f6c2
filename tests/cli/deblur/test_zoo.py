"""The hostile zoo through the command: a line and a whole result, or one clear line, for every file."""

import json
import re
from pathlib import Path

import pytest

from snadnet.photo import photo_from_array, printable, read_photo, write_photo
from support.cli_fakes import FakeDeblurrer, fake_deblurrer, files, photo_lines, restoration, run, run_process  # noqa: F401
from support.hostile_zoo import PHOTO, build_zoo


@pytest.fixture
def zoo(monkeypatch):
    def restore(_self, photo, **_options):
        return restoration(photo, 1, [])

    monkeypatch.setattr(FakeDeblurrer, "restore", restore)
    zoo = build_zoo(Path("zoo"))
    # What no command line can hold, and what is an argument of another kind.
    return [specimen for specimen in zoo if "\0" not in specimen.path.name and specimen.outcome != "is a folder"]


@pytest.mark.parametrize("workers", [1, 3])
def test_each_file_has_one_line_and_the_outcome_it_should(zoo, workers):
    result = run(*(specimen.path for specimen in zoo), "-o", "o", "--workers", workers, "--jsonl", "r.jsonl")
    assert result.exit_code == 1
    lines = photo_lines(result) + result.stderr.splitlines()
    records = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert sorted(lines) == sorted(record["message"] for record in records)
    assert all(line.isprintable() and "unexpected" not in line for line in lines)
    for specimen, record in zip(zoo, records, strict=True):
        assert record["source"] == str(specimen.path)
        if record["status"] == "restored":
            assert re.search(specimen.outcome, PHOTO)
            assert [read_photo(output).pixels.size > 0 for output in record["outputs"]] == [True]
        else:
            # Some were named after another format, which cannot hold them.
            unwritable = "|cannot hold|cannot be written" if re.search(specimen.outcome, PHOTO) else ""
            assert re.search(specimen.outcome + unwritable, record["message"].removeprefix(printable(specimen.path)))
    assert len(files("o")) == sum(record["status"] == "restored" for record in records)


def test_a_folder_of_them_is_done_to_its_end(zoo):
    result = run("zoo", "-o", "o")
    assert result.exit_code == 1
    assert [line for line in result.stderr.splitlines() if "unexpected" in line] == []
    assert len(photo_lines(result)) == len(files("o"))


def test_a_terminal_that_lacks_a_name_s_letters_stops_nothing(tiny_network, portrait, monkeypatch):
    write_photo(photo_from_array(portrait), "in/Ünï\N{FACE WITH TEARS OF JOY}.png")
    write_photo(photo_from_array(portrait), "in/b.png")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = run_process("in", "-o", "o", "--weights", tiny_network)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"in/\xdcn\xef\U0001f602.png: 1 face: 1 restored" in done.stdout
    assert len(files("o")) == 2
