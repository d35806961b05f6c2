"""The command before and after any verb: help, version, completion, errors."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

from snadnet import __version__
from snadnet.cli import app as cli
from snadnet.cli.app import VERBS, Verb, VerbCommand
from support.cli_fakes import environment


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """``python -m snadnet``, which is the command."""
    command = [sys.executable, "-m", "snadnet", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment())


def test_version() -> None:
    result = run("--version")
    assert (result.returncode, result.stdout.strip()) == (0, f"snadnet {__version__}")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["nonsense"]])
def test_nothing_heavy_is_loaded_before_a_verb(arguments: list[str]) -> None:
    heavy = {"numpy", "cv2", "PIL", "onnxruntime", "torch", "snadnet.photo", "snadnet.faces"}
    code = f"""
import sys
sys.argv = ["snadnet", *{arguments}]
from snadnet.cli import main
try:
    main()
finally:
    print("loaded:", *({heavy} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment())
    assert done.stdout.endswith("loaded:\n"), done.stderr


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_each_verb_is_listed_by_the_first_words_of_its_help(verb: Verb) -> None:
    first, _, _ = inspect.cleandoc(VerbCommand(verb).load().help).partition("\n\n")
    assert " ".join(first.split()) == verb.summary
    assert verb.name in run("--help").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("deblur", "a.png", "--out", "o"), "--output"),
        (("deblur", "a.png", "--out=o"), "--output"),
        (("label", "faces", "-o", "labels", "--cpu"), "--device cpu"),
        (("kernels", "-o", "kernels.npz", "--picture", "kernels.png"), "--image"),
    ],
)
def test_an_option_that_was_renamed_says_its_new_name(arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert f"is called {words} now" in result.stderr
    # Behind "--" it is the name of a file.
    assert "is called" not in run("deblur", "-o", "o", "--", "--out").stderr


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("snadnet mod", ["models"]),
        ("snadnet deblur a.png --weights nat", ["natural"]),
        (
            "snadnet deblur a.png --model snadnet-small-",
            ["snadnet-small-full", "snadnet-small-large", "snadnet-small-natural", "snadnet-small-twice"],
        ),
        ("snadnet deblur a.png --weights ./w", []),
        ("snadnet deblur --require", ["--require-face"]),
    ],
)
def test_the_shell_completes(line: str, offered: list[str]) -> None:
    words = line.split()
    settings = {"_SNADNET_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    code = "import sys; sys.argv = ['snadnet']; from snadnet.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment() | settings
    )
    assert done.stdout.split() == offered, done.stderr


def test_a_wrong_name_of_weights_lists_those_there_are(tmp_path: Path) -> None:
    result = run("deblur", os.fspath(tmp_path / "a.png"), "--weights", "nature")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    names = (
        "fidelity, natural, snadnet-small, snadnet-small-full, snadnet-small-large, snadnet-small-natural, "
        "snadnet-small-twice"
    )
    assert f"'nature'; choose one of: {names}" in result.stderr


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
