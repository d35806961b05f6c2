"""Many photos: bad files, full disks, resuming, and the same bytes at any number of workers."""

import errno
import os
import sys
import threading
from pathlib import Path

import pytest

from snadnet import files as files_module
from snadnet.batch.storage import LocalStorage
from snadnet.photo import photo_from_array, write_photo
from support.cli_fakes import (
    FakeDeblurrer,
    fake_deblurrer,  # noqa: F401
    files,
    module,
    photo,
    photo_lines,
    run,
    run_process,
    summary,
    usage_words,
)


def photos(count, folder="in"):
    for number in range(count):
        photo(f"{folder}/{number:02d}.png")


def test_a_bad_file_does_not_stop_the_batch():
    photo("a.png")
    Path("b.png").write_text("text")
    photo("c.png", red=0)
    photo("d.png")
    result = run("a.png", "b.png", "missing.png", "c.png", "d.png", "-o", "o")
    assert result.exit_code == 1
    assert files("o") == ["a.png", "d.png"]
    assert len(photo_lines(result)) == 2
    first, second, third = result.stderr.splitlines()
    assert first.startswith("b.png: is not a photo that can be read")
    assert second == "missing.png: no such file; check the path"
    assert third.startswith("c.png: no face found; nothing written")
    assert summary(result) == "5 photos: 2 restored, 1 without a face to restore, 2 failed"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("operands\nof shapes"), "a.png: unexpected error (ValueError: operands); please report it\n"),
        (MemoryError(), "a.png: needs more memory than there is; lower --workers or --max-pixels\n"),
    ],
)
def test_what_nobody_thought_of_is_one_line_and_does_not_stop_the_batch(monkeypatch, error, words):
    restore = FakeDeblurrer.restore

    def broken(self, photo, **options):
        if photo.path.name == "a.png":
            raise error
        return restore(self, photo, **options)

    monkeypatch.setattr(FakeDeblurrer, "restore", broken)
    photo("a.png")
    photo("b.png")
    result = run("a.png", "b.png", "-o", "o")
    assert (result.exit_code, result.stderr) == (1, words)
    assert files("o") == ["b.png"]


@pytest.mark.parametrize(
    ("reds", "code"), [((10, 20), 0), ((10, 0), 3), ((40, 0), 3), ((10, "text", 0), 1), ((10, "text"), 1)]
)
def test_exit_codes_under_require_face(reds, code):
    Path("in").mkdir()
    for number, red in enumerate(reds):
        if red == "text":
            Path(f"in/{number}.png").write_text(red)
        else:
            photo(f"in/{number}.png", red=red)
    assert run("in", "-o", "o", "--require-face").exit_code == code
    assert run("in", "-o", "p").exit_code == min(code, 1)


def test_existing_results_are_kept_and_the_work_spared(fake):
    photo("a.png")
    photo("b.png")
    photo("o/a.png", red=10)
    old = Path("o/a.png").read_bytes()
    result = run("a.png", "b.png", "-o", "o")
    assert result.exit_code == 1
    assert result.stderr == "o/a.png: exists already; choose another name or pass --overwrite\n"
    assert Path("o/a.png").read_bytes() == old
    assert [name for name, *_ in fake.calls] == ["b.png"]
    assert run("a.png", "b.png", "-o", "o", "--overwrite").exit_code == 0
    assert Path("o/a.png").read_bytes() != old


def test_an_existing_comparison_keeps_both_from_being_written():
    photo("a.png")
    photo("o/a_compare.png")
    assert run("a.png", "-o", "o", "--compare").exit_code == 1
    assert files("o") == ["a_compare.png"]


def test_a_stopped_batch_goes_on_where_it_was(fake):
    photos(4)
    assert run("in/00.png", "in/01.png", "-o", "o", "--compare").exit_code == 0
    Path("o/01.png").unlink()  # as after a power cut between the files of one photo
    fake.calls.clear()
    result = run("in", "-o", "o", "--compare", "--skip-existing")
    assert result.exit_code == 1
    assert result.stderr == "o/01_compare.png: exists already; choose another name or pass --overwrite\n"
    assert photo_lines(result)[0] == "in/00.png: skipped, as o/00.png is there already"
    assert summary(result) == "4 photos: 2 restored, 1 failed, 1 skipped"
    assert sorted(name for name, *_ in fake.calls) == ["02.png", "03.png"]
    # Together they repeat only what is not whole.
    fake.calls.clear()
    result = run("in", "-o", "o", "--compare", "--skip-existing", "--overwrite")
    assert (result.exit_code, [name for name, *_ in fake.calls]) == (0, ["01.png"])


def test_a_failing_write_leaves_nothing(monkeypatch):
    photo("a.png")

    def denied(*_arguments):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "replace", denied)
    result = run("a.png", "-o", "o")
    assert result.exit_code == 1
    assert result.stderr.startswith("o/a.png: cannot be written (Permission denied)")
    assert files() == ["a.png"]


@pytest.fixture
def small_disk(monkeypatch):
    """After so many files, counted in the list, the disk is full."""
    room = [3]
    sync = os.fsync

    def fsync(descriptor):
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr(files_module.os, "fsync", fsync)
    return room


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_full_disk_stops_the_batch_with_one_line(small_disk, fake, workers):
    photos(30)
    result = run("in", "-o", "o", "--workers", workers)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "cannot be written (No space left on device)" in result.stderr
    assert len(files("o")) == len(photo_lines(result)) == 3
    assert summary(result) == (
        "30 photos: stopped by a full disk after 4: 3 restored, 1 failed, 26 not reached;"
        " to go on, run it again with --skip-existing"
    )
    assert len(fake.calls) < 30
    small_disk[0] = 100
    result = run("in", "-o", "o", "--workers", workers, "--skip-existing")
    assert result.exit_code == 0
    assert summary(result) == "30 photos: 27 restored, 3 skipped"


def test_a_disk_that_fills_between_the_files_of_a_photo_keeps_none_of_them(small_disk):
    photos(4)
    assert run("in", "-o", "o", "--compare", "--workers", "1").exit_code == 1
    assert files("o") == ["00.png", "00_compare.png"]


def test_no_more_photos_are_in_memory_than_there_are_workers(monkeypatch):
    lock, alive, most = threading.Lock(), 0, 0
    read, write = LocalStorage.read, LocalStorage.write

    def counted_read(*arguments, **options):
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        return read(*arguments, **options)

    def counted_write(*arguments, **options):
        nonlocal alive
        write(*arguments, **options)
        with lock:
            alive -= 1

    monkeypatch.setattr(LocalStorage, "read", counted_read)
    monkeypatch.setattr(LocalStorage, "write", counted_write)
    photos(20)
    assert run("in", "-o", "o", "--workers", "3").exit_code == 0
    assert most <= 3


def test_lines_and_reports_are_in_the_order_of_the_inputs_at_any_number_of_workers():
    photos(20)
    Path("in/07.png").write_text("text")
    lines = {}
    for workers in (1, 4):
        result = run("in", "-o", f"o{workers}", "--workers", workers)
        lines[workers] = [line.replace(f"o{workers}", "o") for line in photo_lines(result)]
    assert lines[1] == lines[4]
    assert [line.split(":")[0] for line in lines[1]] == [f"in/{n:02d}.png" for n in range(20) if n != 7]


def test_the_same_bytes_at_any_number_of_workers(tiny_network, astronaut, portrait):
    """The real way, with the detector and a network."""
    for name, pixels in (("a.png", astronaut), ("b.jpg", portrait), ("c.webp", astronaut[:300]), ("d.jpg", astronaut)):
        write_photo(photo_from_array(pixels), f"in/{name}")
    for workers in (1, 3):
        done = run_process("in", "-o", f"o{workers}", "--workers", workers, "--weights", tiny_network, "--compare")
        assert (done.returncode, done.stderr) == (0, b"")
    assert len(files("o1")) == 8
    for name in files("o1"):
        assert Path("o1", name).read_bytes() == Path("o3", name).read_bytes()


def test_many_photos_in_a_pipe_show_no_progress_bar():
    photos(3)
    result = run("in", "-o", "o")
    assert len(photo_lines(result)) == 3
    assert result.stderr == ""


def test_a_terminal_shows_progress_and_whole_lines(monkeypatch, capsys):
    for number in range(3):
        photo(f"in/{'long' * 40}{number}.png")
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    module.deblur([Path("in")], output=Path("o"))
    shown = capsys.readouterr().err
    assert "Deblurring" in shown
    for number in range(3):
        name = f"{'long' * 40}{number}.png"
        # The bar's line is erased before the photo's line takes its place.
        assert f"\x1b[2Kin/{name}: 1 face: 1 restored -> o/{name}\n" in shown


def test_an_output_folder_that_cannot_be_written_is_told_before_any_work(fake, monkeypatch):
    photos(3)
    Path("o").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != Path("o").absolute())
    result = run("in", "-o", "o/sub")
    assert (result.exit_code, fake.made) == (2, [])
    assert "o/sub cannot be written" in usage_words(result)
