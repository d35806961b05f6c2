"""The progress bar: on a terminal only, and never in the way of lines that go elsewhere."""

import subprocess
import sys

import pytest

from snadnet.cli.shared.progress import is_terminal, show_progress


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")

    def make(*names):
        for name in names:
            monkeypatch.setattr(getattr(sys, name), "isatty", lambda: True, raising=False)

    return make


def test_a_pipe_gets_no_bar(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with show_progress("Working", 3) as progress:
        progress.advance()
        print("a line")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("a line\n", "")


def test_a_terminal_gets_one_while_lines_for_a_file_reach_the_file(capsys, terminal):
    terminal("stderr")
    with show_progress("Working", 3) as progress:
        progress.advance(2)
        print("a line")
    shown = capsys.readouterr()
    assert shown.out == "a line\n"
    assert "Working" in shown.err
    assert "2/3" in shown.err


def test_a_fraction_is_a_percentage_with_a_state(capsys, terminal):
    terminal("stdout", "stderr")
    with show_progress("Training", 1.0, as_percentage=True) as progress:
        progress.update(0.25, "loss 0.5")
    assert "25%" in (shown := capsys.readouterr().err)
    assert "loss 0.5" in shown


def test_a_bar_may_wait_for_the_first_progress(capsys, terminal):
    terminal("stdout", "stderr")
    with show_progress("Training", 1.0, from_start=False) as progress:
        assert capsys.readouterr().err == ""
        progress.update(0.5)
    assert "Training" in capsys.readouterr().err
    with show_progress("Training", 1.0, from_start=False):
        pass
    assert "Training" not in capsys.readouterr().err


def test_a_hidden_bar_shows_nothing(capsys, terminal):
    terminal("stdout", "stderr")
    with show_progress("Working", 1, hidden=True) as progress:
        progress.advance()
    assert capsys.readouterr().err == ""


def test_a_stream_that_is_not_there_is_no_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert not is_terminal(sys.stderr)
    with show_progress("Working", 2) as progress:
        progress.advance()


def test_where_nothing_is_shown_nothing_is_loaded_for_it():
    code = (
        "import sys\nfrom snadnet.cli.shared.progress import show_progress\n"
        "with show_progress('Working', 1) as progress: progress.advance()\n"
        "print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
