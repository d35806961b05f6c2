"""Released weights: their names, and the files beside a manifest of their checksums."""

import atexit
import functools
import hashlib
import io
import json
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, Literal, cast

from snadnet.errors import WeightsError

Task = Literal["deblurring", "parsing"]

DEFAULT_WEIGHTS: Final = "snadnet-small-full"
DEFAULT_PARSER: Final = "bisenet-small-sharp.safetensors"
DEFAULT_NAMES: Final[dict[Task, str]] = {"deblurring": DEFAULT_WEIGHTS, "parsing": DEFAULT_PARSER}
WEIGHTS_BY_AIM: Final = {"fidelity": DEFAULT_WEIGHTS, "natural": "snadnet-small-natural"}
"""Releases by what they were trained for: the least error, or the look of a sharp photo (against a discriminator)."""
FOR_LARGE_FACES: Final = {
    "snadnet-small-full": "snadnet-small-large",
    "snadnet-small-twice": "snadnet-small-large",
}
"""The release that restores large faces, by that which restores all others."""
WITH_ONE_MORE_PASS: Final = {"snadnet-small-full": "snadnet-small-twice"}
"""The release that goes on where another one ends, for who wants to spend more on a face."""
MANIFEST: Final = "manifest.json"
"""``{name: {"file": file name in this folder, "sha256": hexadecimal digest}}``.

A file whose tensors lie in part in others beside it has their names in the manifest as ``"rests_on"``: a graph those of
its ``.safetensors`` file and of what that rests on in turn.
"""

_GRAPH: Final = ".onnx"
_REMEDY: Final = "reinstall snadnet (pip install --force-reinstall snadnet) or give another weights file"
_unpacked = ExitStack()  # files of a zipped package live in a temporary folder until the process ends
atexit.register(_unpacked.close)


@functools.cache
def released_weights(name: str = DEFAULT_WEIGHTS) -> Path:
    """Return the checked file of a release; checksums are computed once a process.

    Args:
        name: A name in the manifest.

    Raises:
        WeightsError: If there is no such release, or its file is missing or damaged, or one that it rests on; those of
            a graph are left to `check_shared_weights`, as they are not read where its optimized form is kept.
    """
    folder = files("snadnet") / "weights"
    file = verified(folder, name)
    if isinstance(file, Path):
        return file
    # Of a zipped package. A graph and its weights are to lie side by side there too.
    place = Path(_unpacked.enter_context(tempfile.TemporaryDirectory(prefix="snadnet-weights-")))
    for each in (name, *_rests_on(folder, name)):
        part = _checked(folder, each)
        (place / part.name).write_bytes(part.read_bytes())
    return place / file.name


def selectable_names(task: Task) -> list[str]:
    """Return the names that a user may give in place of a file, for networks of a task.

    Raises:
        WeightsError: If the manifest is missing or damaged.
    """
    files_by_name = {
        name: str(dict(entry).get("file")) for name, entry in _manifest(files("snadnet") / "weights").items()
    }
    # The tiny networks of the paper's tables come last.
    graphs = sorted(
        (name for name, file in files_by_name.items() if file.endswith(_GRAPH)),
        key=lambda name: ("-tiny" in name, name),
    )
    if task == "deblurring":
        return [*WEIGHTS_BY_AIM, *graphs]
    # A deblurring network has a graph beside its safetensors, a parser has none.
    stems = {Path(file).stem for file in files_by_name.values()}
    return sorted(stems - {Path(files_by_name[name]).stem for name in graphs})


def find_release(name: str) -> str | None:
    """Return the manifest's name for what a user calls a release; None if there is no such release.

    Args:
        name: An aim of `WEIGHTS_BY_AIM`, a name of the manifest, or that of a file it lists; a parser's ending
            may be left out.

    Raises:
        WeightsError: If the manifest is missing or damaged.
    """
    if name in WEIGHTS_BY_AIM:
        return WEIGHTS_BY_AIM[name]
    by_file = _names_by_file()
    if name in by_file.values():
        return name
    return by_file.get(name) or by_file.get(f"{name}.safetensors")


@functools.cache
def check_shared_weights(path: Path) -> None:
    """Compare the checksums of the weights files that a release's graph shares, once a process.

    Args:
        path: The graph's file.

    Raises:
        WeightsError: If one of them is missing or damaged.
    """
    folder = files("snadnet") / "weights"
    for each in _rests_on(folder, _names_by_file()[path.name]):
        _checked(folder, each)


def release_digest(path: Path) -> str | None:
    """Return a digest of a release's file, whose checksum has been compared, and of what it is to rest on.

    Args:
        path: Any file.

    Returns:
        Hexadecimal; None if it is no release's.

    Raises:
        WeightsError: If the manifest is missing or damaged, or the release's file is.
    """
    name = _names_by_file().get(path.name)
    if name is None or released_weights(name) != path:
        return None
    folder = files("snadnet") / "weights"
    manifest = _manifest(folder)
    sums = [str(manifest[each]["sha256"]) for each in (name, *_rests_on(folder, name))]
    return hashlib.sha256("\n".join(sums).encode()).hexdigest()


def weights_for_large_faces(path: Path) -> str | None:
    """Return the release that restores large faces beside the one of a file; None if there is none.

    Raises:
        WeightsError: If the manifest is missing or damaged, or the release of that file is.
    """
    return _beside(path, FOR_LARGE_FACES)


def weights_with_one_more_pass(path: Path) -> str | None:
    """Return the release that goes on where the one of a file ends; None if there is none.

    Raises:
        WeightsError: If the manifest is missing or damaged, or the release of that file is.
    """
    return _beside(path, WITH_ONE_MORE_PASS)


def _beside(path: Path, names: Mapping[str, str]) -> str | None:
    name = names.get(path.stem)
    if name is None or release_digest(path) is None:
        return None
    # On the same runtime.
    return name if path.suffix == _GRAPH else f"{name}{path.suffix}"


def _names_by_file() -> dict[str, str]:
    manifest = _manifest(files("snadnet") / "weights")
    return {str(dict(entry).get("file")): name for name, entry in manifest.items()}


def verified(folder: Traversable, name: str) -> Traversable:
    """Return the file that a folder's manifest names, after comparing its SHA-256.

    So are those of what it rests on, but for a graph's (`check_shared_weights`).

    Args:
        folder: Holds ``manifest.json`` and the files.
        name: A name in the manifest.

    Raises:
        WeightsError: If the manifest, the name or a file is missing, or one of them is damaged.
    """
    file = _checked(folder, name)
    for each in () if file.name.endswith(_GRAPH) else _rests_on(folder, name):
        _checked(folder, each)
    return file


def _checked(folder: Traversable, name: str) -> Traversable:
    manifest = _manifest(folder)
    if name not in manifest:
        raise WeightsError(f"no released weights are called {name!r}; choose one of: {', '.join(sorted(manifest))}")
    entry = manifest[name]
    if not (isinstance(entry, dict) and isinstance(entry.get("file"), str) and "sha256" in entry):
        raise WeightsError(f"the entry {name!r} of {MANIFEST} lacks 'file' or 'sha256'; {_REMEDY}")
    file: Traversable = folder / entry["file"]
    try:
        with cast("io.BufferedIOBase", file.open("rb")) as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"the weights file {entry['file']} cannot be read; {_REMEDY}") from error
    if digest != entry["sha256"]:
        raise WeightsError(f"the weights file {entry['file']} is damaged (wrong SHA-256); {_REMEDY}")
    return file


def _rests_on(folder: Traversable, name: str) -> list[str]:
    """The names of the weights files that a released file needs beside it."""
    names = _manifest(folder)[name].get("rests_on", [])
    return [each for each in names if isinstance(each, str)] if isinstance(names, list) else []


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
