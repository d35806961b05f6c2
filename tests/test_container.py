"""``Containerfile`` and the package hold together: names, versions, port, and what is copied."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer.main

pytest.importorskip("starlette", reason="needs the extra: pip install 'snadnet[server]'")

from snadnet.cli.app import app
from snadnet.server.settings import DEFAULT_PORT

ROOT = Path(__file__).parents[1]
TEXT = re.sub(r"\\\n\s*", "", (ROOT / "Containerfile").read_text())
STEPS = [line.split(maxsplit=1) for line in TEXT.splitlines() if line and not line.startswith("#")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def arguments(instruction: str) -> list[str]:
    return [rest for name, rest in STEPS if name == instruction]


def test_it_installs_extras_that_exist_and_none_with_pytorch() -> None:
    (extras,) = re.findall(r"\.whl\)\[([a-z,]+)\]", TEXT)
    assert set(extras.split(",")) == {"server", "heic"} <= set(PROJECT["project"]["optional-dependencies"])
    assert "--constraint constraints.txt" in TEXT
    for package in PROJECT["build-system"]["requires"]:
        assert re.split("[>=]", package)[0] in TEXT


def test_it_starts_the_command_with_options_that_it_takes() -> None:
    (entry,), (start,) = arguments("ENTRYPOINT"), arguments("CMD")
    assert json.loads(entry) == list(PROJECT["project"]["scripts"])
    verb, *options = json.loads(start)
    group = typer.main.get_command(app)
    _, command, _ = group.resolve_command(group.make_context("snadnet", [], resilient_parsing=True), [verb])
    assert command.load().make_context(verb, options).params["port"] == DEFAULT_PORT
    assert arguments("EXPOSE") == [str(DEFAULT_PORT)]
    assert f"127.0.0.1:{DEFAULT_PORT}/health" in arguments("HEALTHCHECK")[0]


def test_it_runs_without_privileges_in_the_end() -> None:
    last = [name for name, _ in STEPS if name in ("FROM", "USER", "RUN")][-2:]
    assert last == ["RUN", "USER"]
    user, group = arguments("USER")[0].split(":")
    assert int(user) >= 1000
    assert int(group) >= 1000


@pytest.mark.parametrize("step", [step for step in arguments("COPY") if not step.startswith("--from")])
def test_what_it_copies_is_there_and_not_ignored(step: str) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    for name in shlex.split(step)[:-1]:
        assert (ROOT / name).exists()
        assert f"!{name}" in ignored


def test_the_wheel_needs_no_other_file() -> None:
    hook = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    needed = {part["path"] for part in hook["fragments"]} | set(PROJECT["project"]["license-files"])
    copied = {name for step in arguments("COPY") for name in shlex.split(step)[:-1]}
    assert all(name in copied or Path(name).parts[0] in copied for name in needed)
