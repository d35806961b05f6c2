"""The released weights: ONNX files beside a manifest that tells their checksums."""

import atexit
import functools
import hashlib
import json
from contextlib import ExitStack
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from snadnet.errors import WeightsError

DEFAULT_WEIGHTS: Final = "snadnet-small"
WEIGHTS_BY_AIM: Final = {"fidelity": DEFAULT_WEIGHTS, "natural": f"{DEFAULT_WEIGHTS}-natural"}
"""Releases by what they were trained for: the least error, or the look of a sharp photo (against a discriminator)."""
MANIFEST: Final = "manifest.json"
"""``{name: {"file": file name in this folder, "sha256": hexadecimal digest, ...}}``."""

_REMEDY: Final = "reinstall snadnet (pip install --force-reinstall snadnet) or give another weights file"
_unpacked = ExitStack()  # files of a zipped package live in a temporary folder until the process ends
atexit.register(_unpacked.close)


def chosen_weights(weights: str | Path | None = None) -> Path:
    """The file of the weights that a user asked for.

    Args:
        weights: An aim of :data:`WEIGHTS_BY_AIM`, or a file. None takes the default release.

    Raises:
        WeightsError: The release's file is missing or damaged. A user's own file is not looked at.
    """
    if weights is None:
        return released_weights()
    aim = str(weights)
    return released_weights(WEIGHTS_BY_AIM[aim]) if aim in WEIGHTS_BY_AIM else Path(weights)


@functools.cache
def released_weights(name: str = DEFAULT_WEIGHTS) -> Path:
    """The checked ONNX file of a released model; its checksum is computed once a process.

    Args:
        name: A name in the manifest.

    Raises:
        WeightsError: No such release, or its file is missing or damaged.
    """
    folder = files("snadnet") / "weights"
    return _unpacked.enter_context(as_file(verified(folder, name)))


def released_names() -> list[str]:
    """The names of all released files.

    Raises:
        WeightsError: The manifest is missing or damaged.
    """
    return sorted(_manifest(files("snadnet") / "weights"))


def released_graphs() -> list[str]:
    """The names of the released files that are ONNX graphs: models that deblur without PyTorch.

    Raises:
        WeightsError: The manifest is missing or damaged.
    """
    manifest = _manifest(files("snadnet") / "weights")
    return sorted(name for name, entry in manifest.items() if str(dict(entry).get("file")).endswith(".onnx"))


def verified(folder: Traversable, name: str) -> Traversable:
    """The file that a folder's manifest names, after comparing its SHA-256.

    Args:
        folder: Holds ``manifest.json`` and the files.
        name: A name in the manifest.

    Raises:
        WeightsError: The manifest, the name or the file is missing, or either file is damaged.
    """
    manifest = _manifest(folder)
    if name not in manifest:
        raise WeightsError(f"no released weights are called {name!r}; choose one of: {', '.join(sorted(manifest))}")
    entry = manifest[name]
    if not (isinstance(entry, dict) and isinstance(entry.get("file"), str) and "sha256" in entry):
        raise WeightsError(f"the entry {name!r} of {MANIFEST} lacks 'file' or 'sha256'; {_REMEDY}")
    file: Traversable = folder / entry["file"]
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise WeightsError(f"the weights file {entry['file']} cannot be read; {_REMEDY}") from error
    if digest != entry["sha256"]:
        raise WeightsError(f"the weights file {entry['file']} is damaged (wrong SHA-256); {_REMEDY}")
    return file


def _manifest(folder: Traversable) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WeightsError(f"no released weights are installed ({MANIFEST} is missing); {_REMEDY}") from error
    except ValueError as error:
        raise WeightsError(f"{MANIFEST} of the released weights is damaged; {_REMEDY}") from error
    if not isinstance(manifest, dict):
        raise WeightsError(f"{MANIFEST} of the released weights is damaged; {_REMEDY}")
    return manifest
