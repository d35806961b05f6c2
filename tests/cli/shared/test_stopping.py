"""Ctrl-C, SIGTERM and closed terminals: finished files stay, and nothing else."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import snadnet.cli
from snadnet.cli.shared.stopping import stop_on_signals
from snadnet.concurrency import StopSignal
from snadnet.photo import photo_from_array, read_photo, write_photo
from support.cli_fakes import command, environment, fake_deblurrer, files, run_process  # noqa: F401
from support.signals import heed_signals

PHOTOS = 150


@pytest.fixture
def batch(portrait, tiny_network):
    write_photo(photo_from_array(portrait), "in/000.png")
    content = Path("in/000.png").read_bytes()
    for number in range(PHOTOS):
        Path(f"in/{number:03d}.png").write_bytes(content)
    return ("in", "-o", "o", "--weights", tiny_network)


def start(*arguments):
    return subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=heed_signals,  # noqa: PLW1509
    )


def rest_of(process):
    """Return the rest of its output, and its errors; not by `communicate`, which forgets what `readline` read ahead."""
    with process:
        return process.stdout.read(), process.stderr.read()


def check_files():
    """All that is there is whole, and nothing lies beside it."""
    done = files("o")
    assert all(len(name) == len("000.png") for name in done)
    for name in done:
        assert read_photo(Path("o", name)).pixels.shape == (256, 256, 3)
    assert list(Path("o").glob(".*")) == []
    return done


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM"), (signal.SIGHUP, 129, "SIGHUP")],
)
def test_a_signal_leaves_finished_files_and_nothing_else(batch, number, code, word):
    process = start(*batch, "--jsonl", "r.jsonl", "--json", "r.json")
    first = [process.stdout.readline() for _ in range(3)]
    process.send_signal(number)
    rest, errors = rest_of(process)
    assert process.returncode == code
    assert errors == "snadnet: stopping after the present step; once more leaves at once\n"
    *lines, summary = first + rest.splitlines(keepends=True)
    done = check_files()
    assert [line.split(" -> ")[1].strip() for line in lines] == [f"o/{name}" for name in done]
    assert len(done) < PHOTOS
    assert summary.startswith(f"{PHOTOS} photos: stopped by {word} after {len(done)}: {len(done)} restored, ")
    assert f"{PHOTOS - len(done)} not reached" in summary
    records = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert [record["outputs"] for record in records] == [[f"o/{name}"] for name in done]
    document = json.loads(Path("r.json").read_text())
    assert (document["stopped_by"], document["photos"]) == (word, records)
    assert document["summary"]["not-reached"] == PHOTOS - len(done)


def test_a_stopped_batch_goes_on_where_it_was(batch):
    for name in files("in")[6:]:
        Path("in", name).unlink()
    process = start(*batch)
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest_of(process)
    before = {name: Path("o", name).stat().st_mtime_ns for name in check_files()}
    assert run_process(*batch, "--skip-existing").returncode == 0
    assert check_files() == files("in")
    assert {name: Path("o", name).stat().st_mtime_ns for name in before} == before


def test_ctrl_c_while_the_command_is_loaded_is_no_traceback(monkeypatch):
    class Loading(ModuleType):
        def __getattr__(self, name):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "snadnet.cli.app", Loading("snadnet.cli.app"))
    monkeypatch.setattr(snadnet.cli, "own_process", lambda: None)  # this process goes on
    with pytest.raises(SystemExit) as stopped:
        snadnet.cli.main()
    assert stopped.value.code == 130


SLOW = """
import signal, threading, time
import snadnet.cli
from snadnet.concurrency import StopSignal
from snadnet.cli.shared.stopping import stop_on_signals

brake = StopSignal()

def write():
    with brake.writing():
        print("writing", flush=True)
        time.sleep(1)
        print("written", flush=True)
    time.sleep(100)  # a step that takes long

signal.signal(signal.SIGINT, signal.default_int_handler)
with stop_on_signals(brake):
    worker = threading.Thread(target=write)
    worker.start()
    worker.join()
"""


def test_a_second_signal_leaves_at_once_but_for_the_file_being_written():
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    assert process.stdout.readline() == "writing\n"
    process.send_signal(signal.SIGINT)
    assert "stopping" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    rest, errors = rest_of(process)
    assert (process.returncode, rest, errors) == (130, "written\n", "")


def test_what_the_process_was_told_to_ignore_stays_ignored_and_the_rest_is_given_back():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    terminate = signal.getsignal(signal.SIGTERM)
    try:
        brake = StopSignal()
        with stop_on_signals(brake) as caught:
            signal.raise_signal(signal.SIGHUP)
            assert (brake.reason, caught.exit_code) == (None, None)
            signal.raise_signal(signal.SIGTERM)
            assert (brake.reason, caught.exit_code) == ("SIGTERM", 143)
        assert signal.getsignal(signal.SIGTERM) == terminate
    finally:
        signal.signal(signal.SIGHUP, before)
