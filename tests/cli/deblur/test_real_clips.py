"""``snadnet deblur`` as a process, on clips."""

import signal
import subprocess
import time

import numpy as np
import pytest

from support.cli_fakes import command, environment, run_process
from support.signals import heed_signals

pytest.importorskip("av", reason="needs the extra: pip install 'snadnet[video]'")

from support.clips import portrait_clip, read_frames, write_clip


@pytest.fixture(scope="module")
def frames(portrait):
    return portrait_clip(portrait, frames=4).blurred


def test_a_clip_with_sound(tmp_path, frames, tiny_network):
    source = write_clip(tmp_path / "walk.mp4", frames, codec="libx264", sound=True)
    done = run_process(source, "-o", tmp_path / "out.mp4", "--weights", tiny_network, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{source}: 4 frames, 1 face: 1 restored in 4 frames -> {tmp_path / 'out.mp4'}\n"
    assert done.stderr == ""


def test_a_damaged_clip_says_no_more_than_its_line(tmp_path, frames, tiny_network):
    source = write_clip(tmp_path / "walk.mp4", frames, codec="libx264")
    source.write_bytes(source.read_bytes()[:-2000])
    done = run_process(source, "-o", tmp_path / "out.mp4", "--weights", tiny_network, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == f"{source}: is damaged or cut short; copy it again from its source\n"


def test_ctrl_c_stops_a_clip_and_the_same_command_goes_on(tmp_path, frames, tiny_network):
    wall = np.full_like(frames[0], 90)
    source = write_clip(tmp_path / "long.mp4", [*frames, *([wall] * 91)], codec="libx264")
    options = (source, "-o", tmp_path / "out.mp4", "--weights", tiny_network)
    parts = tmp_path / ".out.mp4.parts"
    with subprocess.Popen(
        command(*options),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
        preexec_fn=heed_signals,  # noqa: PLW1509
        text=True,
    ) as process:
        deadline = time.monotonic() + 100
        while not (parts / "part-000000").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "stopped by Ctrl-C" in output
    assert "a clip goes on where it was" in output
    assert not (tmp_path / "out.mp4").exists()
    done = run_process(*options, text=True)
    assert done.returncode == 0, done.stderr
    assert "gone on with at frame 51" in done.stdout
    assert len(read_frames(tmp_path / "out.mp4")) == 95
    assert not parts.exists()
