"""Standard input and output: bytes in, bytes out, and all words to standard error."""

import io
import os
import pty
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from snadnet.cli.deblur import streams
from snadnet.errors import PhotoError
from snadnet.photo import photo_from_array, read_photo, write_photo
from support.cli_fakes import (
    command,
    environment,
    fake_deblurrer,  # noqa: F401
    files,
    photo,
    run,
    run_process,
    usage_words,
)


@pytest.fixture
def shaken(portrait):
    write_photo(photo_from_array(portrait), "in.jpg")
    return Path("in.jpg").read_bytes()


def test_a_photo_through_a_pipe(shaken, tiny_network):
    done = run_process("-", "-o", "-", "--weights", tiny_network, input=shaken)
    assert done.returncode == 0
    assert done.stderr == b"standard input: 1 face: 1 restored -> standard output\n"
    with Image.open(io.BytesIO(done.stdout)) as image:
        assert (image.format, image.size) == ("JPEG", (256, 256))
    # The same as from file to file.
    assert run_process("in.jpg", "-o", "out.jpg", "--weights", tiny_network).returncode == 0
    assert Path("out.jpg").read_bytes() == done.stdout


def test_a_failure_sends_nothing_on(tiny_network):
    done = run_process("-", "-o", "-", "--weights", tiny_network, input=b"text")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"standard input: is not a photo")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output_is_one_line(shaken, tiny_network):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command("in.jpg", "-o", "-", "--weights", tiny_network),
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"standard output: cannot be written (No space left on device)")
    assert b"Traceback" not in done.stderr


def test_a_reader_that_leaves_is_one_line(shaken, tiny_network):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            command("in.jpg", "-o", "-", "--weights", tiny_network),
            stdout=closed,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"standard output: cannot be written (Broken pipe)")
    assert b"Traceback" not in done.stderr


def test_a_terminal_is_no_photo_and_shows_none(shaken):
    controller, terminal = pty.openpty()
    try:
        for arguments, options in (
            (("-", "-o", "o.png"), {"stdin": terminal}),
            (("in.jpg", "-o", "-"), {"stdout": terminal}),
        ):
            ends = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
            done = subprocess.run(command(*arguments), env=environment(), check=False, **ends)
            assert done.returncode == 2
            assert b"is a terminal" in done.stderr
    finally:
        os.close(controller)
        os.close(terminal)


def test_standard_input_to_a_file_that_is_named():
    pixels = photo("in.png", red=10)
    result = run(
        "-",
        "-o",
        "new/out.png",
        "--compare",
        "--save-faces",
        "f",
        "--json",
        "r.json",
        stdin=Path("in.png").read_bytes(),
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert np.array_equal(read_photo("new/out.png").pixels, 255 - pixels)
    assert "new/out_compare.png" in files()
    assert '"source": "-"' in Path("r.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-", "-o", "folder"), "has no name"),
        (("-", "a.png", "-o", "folder"), "do it by itself"),
        (("a.png", "b.png", "-o", "-"), "takes one photo"),
        (("in", "-o", "-"), "takes one photo"),
        (("*.png", "-o", "-"), "takes one photo"),
        (("a.png", "-o", "-", "--compare"), "takes the result only"),
        (("a.png", "-o", "-", "--draw-boxes"), "takes the result only"),
        (("a.png", "-o", "-", "--name", "{stem}.jpg"), "--name"),
    ],
)
def test_a_stream_carries_one_photo_and_nothing_else(fake, arguments, words):
    for name in ("a.png", "b.png", "in/c.png"):
        photo(name)
    before = files()
    result = run(*arguments, stdin=b"")
    assert (result.exit_code, fake.made, files()) == (2, [], before)
    assert words in usage_words(result)


def test_standard_input_is_read_no_further_than_the_limit(monkeypatch):
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size=-1):
            assert 0 < size <= 1 << 20
            self.given += size
            return b"x" * size

    endless = Endless()
    monkeypatch.setattr(streams.sys, "stdin", type("Input", (), {"buffer": endless}))
    with pytest.raises(PhotoError, match=r"standard input: is larger than the limit of 3 MB; .*--max-file-size"):
        streams.read_standard_input(3_000_000)
    assert endless.given == 3_000_001


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", "<&- >&- 2>&-"])
def test_a_photo_is_done_where_a_standard_stream_is_closed(shaken, tiny_network, closed):
    arguments = command("in.jpg", "in2.jpg", "-o", "out", "--weights", tiny_network, "--json", "r.json")
    Path("in2.jpg").write_bytes(shaken)
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *arguments], capture_output=True, env=environment(), check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert files("out") == ["in.jpg", "in2.jpg"]
    assert '"restored": 2' in Path("r.json").read_text()
    if ">" not in closed:
        assert done.stdout.startswith(b"in.jpg: 1 face: 1 restored -> out/in.jpg")


def test_a_failure_where_all_streams_are_closed_is_its_exit_code(tiny_network):
    Path("bad.png").write_text("text")
    arguments = command("bad.png", "-o", "out", "--weights", tiny_network)
    done = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *arguments], env=environment(), check=False)
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "closed", "words"),
    [
        (("-", "-o", "o.png"), "<&-", b"standard input is closed"),
        (("in.jpg", "-o", "-"), ">&-", b"standard output is closed"),
    ],
)
def test_a_closed_stream_is_no_photo_and_takes_none(shaken, arguments, closed, words):
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *command(*arguments)],
        capture_output=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 2
    assert words in done.stderr
