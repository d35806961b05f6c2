"""Reading the authors' files, whatever they wrapped the tensors in. No file can run code."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from snadnet.errors import WeightsError
from snadnet.models.convert.layout import Layout
from snadnet.models.torch_file import read_torch_file

_WRAPPERS: Final = ("state_dict", "params", "model")
"""Under which names training programs put the tensors beside what else they save."""
_PARALLEL: Final = "module."
"""What ``torch.nn.DataParallel`` puts before every name."""


@dataclass(frozen=True)
class Checkpoint:
    """What the authors' files hold.

    Attributes:
        state: Their tensors by name.
        source: The file or files, for messages.
        checksums: The SHA-256 of each file by its name.
    """

    state: dict[str, Any]
    source: str
    checksums: dict[str, str]


def read_checkpoint(paths: Sequence[Path], layout: Layout) -> Checkpoint:
    """Read the files, or a folder of them, that a layout asks for.

    Raises:
        WeightsError: If one is missing, damaged, holds more than data, or holds no tensors by name; or if their number
            is wrong.
    """
    state: dict[str, Any] = {}
    checksums: dict[str, str] = {}
    chosen = [file for path in paths for file in _expanded(path, layout)]
    if not layout.suffix and len(chosen) > 1:
        raise WeightsError(f"{chosen[1]}: one file is enough; give {layout.files}")
    for path in chosen:
        tensors = _tensors(path)
        before = layout.part(path, tensors)
        twice = next((name for name in tensors if before + name in state), None)
        if twice is not None:
            raise WeightsError(f"{path}: holds {twice}, which another of the files holds too; give {layout.files}")
        state.update({before + name: value for name, value in tensors.items()})
        checksums[path.name] = _checksum(path)
    return Checkpoint(state, ", ".join(str(path) for path in paths), checksums)


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


def _tensors(path: Path) -> dict[str, Any]:
    """The tensors of a file, out of its wrapper and without a prefix that all of them share."""
    content = read_torch_file(path)
    for wrapper in _WRAPPERS:
        if isinstance(content.get(wrapper), dict):
            content = content[wrapper]
            break
    if not content or not all(isinstance(name, str) for name in content):
        raise WeightsError(f"{path}: holds no tensors by name; give a checkpoint of the network's weights")
    if all(name.startswith(_PARALLEL) for name in content):
        content = {name.removeprefix(_PARALLEL): value for name, value in content.items()}
    if not any(isinstance(value, torch.Tensor) for value in content.values()):
        raise WeightsError(f"{path}: holds no tensors by name; give a checkpoint of the network's weights")
    return content


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
