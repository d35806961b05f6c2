"""Reading the authors' files, whatever they wrapped the tensors in. No file can run code."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from snadnet.errors import WeightsError
from snadnet.files import sha256_of
from snadnet.models.checkpoint_io import read_state
from snadnet.models.convert.layout import Layout

_AVERAGED: Final = "params_ema"
"""The entry of BasicSR's averaged weights, which its authors evaluate."""
_WRAPPERS: Final = (_AVERAGED, "state_dict", "params", "model")
"""The entries in which training programs save tensors beside other things; of several the first is taken."""
_PREFIXES: Final = ("module.", "_orig_mod.", "net.")
"""Prefixes of all names by data parallelism, ``torch.compile`` and training programs, also several in a row."""


@dataclass(frozen=True)
class Checkpoint:
    """The content of the authors' files.

    Attributes:
        state: Their tensors by name.
        source: The file or files, for messages.
        checksums: The SHA-256 of each file by its name.
        notes: Lines for the user on what was chosen in the files.
    """

    state: dict[str, Any]
    source: str
    checksums: dict[str, str]
    notes: tuple[str, ...]


def read_checkpoint(paths: Sequence[Path], layout: Layout) -> Checkpoint:
    """Read the files, or a folder of them, that a layout asks for.

    Raises:
        WeightsError: If one is missing, damaged, holds more than data, or holds no tensors by name; or if their number
            is wrong.
    """
    state: dict[str, Any] = {}
    checksums: dict[str, str] = {}
    notes = []
    chosen = [file for path in paths for file in _expanded(path, layout)]
    if not layout.suffix and len(chosen) > 1:
        raise WeightsError(f"{chosen[1]}: one file is enough; give {layout.files}")
    for path in chosen:
        tensors, note = _tensors(path)
        notes += [note] if note else []
        before = layout.part(path, tensors)
        twice = next((name for name in tensors if before + name in state), None)
        if twice is not None:
            raise WeightsError(f"{path}: holds {twice}, which another of the files holds too; give {layout.files}")
        state.update({before + name: value for name, value in tensors.items()})
        checksums[path.name] = sha256_of(path)
    return Checkpoint(state, ", ".join(str(path) for path in paths), checksums, tuple(notes))


def _expanded(path: Path, layout: Layout) -> list[Path]:
    if path.is_dir() and layout.suffix:
        files = sorted(each for each in path.iterdir() if each.suffix == layout.suffix and each.is_file())
        if not files:
            raise WeightsError(f"{path}: has no *{layout.suffix} files; give {layout.files}")
        return files
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise WeightsError(f"{path}: {what}; give {layout.files}")
    return [path]


def _tensors(path: Path) -> tuple[dict[str, Any], str | None]:
    """The tensors of a file, out of its wrapper and without shared prefixes, and a note on what was chosen."""
    remedy = "give a checkpoint of the network's weights"
    content = read_state(path, what="a network's weights", remedy=remedy)
    found = [wrapper for wrapper in _WRAPPERS if isinstance(content.get(wrapper), dict)]
    note = None
    if found:
        content = content[found[0]]
        if found[0] == _AVERAGED and len(found) > 1:
            note = f"{path}: holds {' and '.join(found)}; took the averaged weights, {_AVERAGED}"
    if not content or not all(isinstance(name, str) for name in content):
        raise WeightsError(f"{path}: holds no tensors by name; {remedy}")
    while prefix := next((each for each in _PREFIXES if all(name.startswith(each) for name in content)), None):
        content = {name.removeprefix(prefix): value for name, value in content.items()}
    if not any(isinstance(value, torch.Tensor) for value in content.values()):
        raise WeightsError(f"{path}: holds no tensors by name; {remedy}")
    return content, note
