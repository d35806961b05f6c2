"""The commands that the documentation shows, and the names in them."""

import itertools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
        *(ROOT / name for name in ("examples/README.md", "fuzz/README.md")),
        *(ROOT / "src" / "snadnet" / "weights").glob("*.md"),
    ]
)

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?<=\n\n)(?: {4}.*\n)+")  # a block of the older form, as the model card has
_INLINE = re.compile(r"`((?:snadnet|python) [^`]+)`")
_ASSIGNMENT = re.compile(r"[A-Z_]+=\S*$")
_LAUNCHER = ("torchrun", "accelerate")


@dataclass(frozen=True)
class Command:
    """A command as a page shows it."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {shlex.join(self.words)}"


def find_commands() -> list[Command]:
    """All commands in the shell blocks of all pages, in their order, each one once a page."""
    found = [
        Command(page.relative_to(ROOT).as_posix(), tuple(words))
        for page in PAGES
        for block in _blocks(page.read_text())
        for words in _commands(block)
    ]
    return list(dict.fromkeys(found))


def find_mentions() -> list[Command]:
    """Commands within running text, which may leave out arguments."""
    found = []
    for page in PAGES:
        prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        for text in _INLINE.findall(prose):
            if "..." not in text:
                found.append(Command(page.relative_to(ROOT).as_posix(), tuple(shlex.split(text))))
    return list(dict.fromkeys(found))


def _blocks(text: str) -> Iterator[str]:
    yield from _BLOCK.findall(text)
    for block in _INDENTED.findall(re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)):
        if block.lstrip().startswith(("snadnet ", "python ")):
            yield "\n".join(line.removeprefix("    ") for line in block.splitlines())


def _commands(block: str) -> Iterator[list[str]]:
    variables: dict[str, str] = {}
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if len(words) == 1 and _ASSIGNMENT.match(words[0]):
            name, value = words[0].split("=")
            variables[f"${name}"] = value
            continue
        for name, value in variables.items():
            words = [word.replace(name, value) for word in words]
        for stage in _split(words, {"|", "&&"}):
            command = list(itertools.dropwhile(_ASSIGNMENT.match, stage))
            command = command[: command.index(">")] if ">" in command else command
            if command and command[0] in _LAUNCHER:
                command = command[command.index("-m") + 1 :]
            if command:
                yield command


def _split(words: list[str], separators: set[str]) -> Iterator[list[str]]:
    stage: list[str] = []
    for word in words:
        if word in separators:
            yield stage
            stage = []
        else:
            stage.append(word)
    yield stage
