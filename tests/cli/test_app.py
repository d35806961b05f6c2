"""What the command does before and after any verb."""

import subprocess
import sys
from pathlib import Path

import pytest

from snadnet import __version__
from snadnet.cli import app as cli


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snadnet", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_version() -> None:
    result = run("--version")
    assert (result.returncode, result.stdout.strip()) == (0, f"snadnet {__version__}")


def test_help_warns_that_results_are_no_evidence() -> None:
    for arguments in ((), ("deblur",)):
        assert "not evidence" in " ".join(run(*arguments, "--help").stdout.split())


def test_an_error_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    result = run("train", "-c", str(tmp_path / "none.yaml"), "-r", str(tmp_path / "run"))
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "none.yaml: cannot be read" in result.stderr


@pytest.mark.parametrize("error", [OSError(28, "No space left on device", "/disk/x"), OSError("odd")])
def test_a_failing_disk_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert (error.strerror or "odd") in message
