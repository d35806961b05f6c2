"""Optimized graphs kept in a folder of the user's, so that a network opens faster the next time.

ONNX Runtime spends most of the time of opening a network on rewriting its graph for the processor. What it makes of a
graph is kept under a name that says of which graph, by which version and for which processor it was made
(`snadnet.inference.kept_graphs`). A file there is not believed for its name: it must be the user's own, whole (by its
checksum), and ask for nothing but what a graph of ``snadnet export`` and the runtime's own operations may ask for. Any
other is made anew.

The environment variable ``SNADNET_CACHE`` names another folder, or is ``off``. Where nothing can be written, nothing
is kept.
"""

import functools
import hashlib
import os
import platform
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import onnxruntime as ort

from snadnet.files import write_atomically
from snadnet.inference.kept_graphs import TENSORS, KeptGraph, packed, read_kept, without_shapes

CACHE_VARIABLE: Final = "SNADNET_CACHE"
"""Environment variable: the folder of optimized graphs, or "off"."""

_OFF: Final = ("", "off", "0")
_FORMAT: Final = "6"  # changes with the form of the files
_KEPT: Final = 8  # graphs, the newest
_ENDING: Final = ".graph"
_WRITABLE_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
_SAVED: Final = "optimized"
_BEGUN: Final = ".keeping-"  # a folder while a graph is kept
_LEFT_BEHIND: Final = 86_400.0  # seconds; a process that was killed left it

if sys.platform == "win32":  # where the environment variable of `snadnet/__init__.py` is not heeded
    ort.disable_telemetry_events()


def cache_folder() -> Path | None:
    """Return the folder in which optimized graphs are kept; None if they are not."""
    asked = os.environ.get(CACHE_VARIABLE)
    if asked is not None:
        return None if asked.lower() in _OFF else Path(asked)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        folder = Path(base).expanduser() if base else None
    except RuntimeError:  # nobody's home
        return None
    # A relative one is to be ignored, by the XDG Base Directory Specification.
    return folder / "snadnet" if folder is not None and folder.is_absolute() else None


class Graph(NamedTuple):
    """A graph that has been checked.

    Attributes:
        digest: Stands for its bytes.
        read: Returns them. They are not asked for where the graph is kept.
    """

    digest: str
    read: Callable[[], bytes]


def open_session(
    graph: Graph, make_options: Callable[[], ort.SessionOptions], providers: list[str], fixed: Mapping[str, int]
) -> ort.InferenceSession:
    """Open a graph on the CPU, by what is kept of it if that is so, and keep it otherwise.

    Args:
        graph: The graph.
        make_options: How it is run.
        providers: ONNX Runtime's execution providers.
        fixed: Sizes of free dimensions, by their names.

    Raises:
        Exception: ONNX Runtime's own, if the graph cannot be run.
    """

    def options() -> ort.SessionOptions:
        result = make_options()
        for name, size in fixed.items():
            result.add_free_dimension_override_by_name(name, size)
        return result

    path = _place(graph, options(), providers, fixed)
    if path is None:
        return ort.InferenceSession(graph.read(), options(), providers=providers)
    kept = _read(path)
    if kept is not None:
        with suppress(Exception):  # what it cannot run is made anew
            return _opened(kept, options(), providers)
    content = graph.read()
    try:
        return _kept(content, path, options(), providers)
    except Exception:  # noqa: BLE001 - a folder that cannot be written, a full disk, or a graph that cannot be run
        return ort.InferenceSession(content, options(), providers=providers)


def keeps(graph: Graph, options: ort.SessionOptions, providers: list[str], fixed: Mapping[str, int]) -> bool:
    """Whether a file is kept of a graph, sound or not.

    Args:
        graph: The graph.
        options: How it is run.
        providers: As for `open_session`.
        fixed: As for `open_session`.
    """
    path = _place(graph, options, providers, fixed)
    try:
        return path is not None and path.exists()
    except OSError:
        return False


def _place(graph: Graph, options: ort.SessionOptions, providers: list[str], fixed: Mapping[str, int]) -> Path | None:
    """The file that a graph is kept in; None if none is."""
    folder = cache_folder()
    return folder and folder / f"{_key(graph.digest, options, providers, fixed)}{_ENDING}"


def _opened(kept: KeptGraph, options: ort.SessionOptions, providers: list[str]) -> ort.InferenceSession:
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    # ONNX Runtime copies them.
    values = [ort.OrtValue.ortvalue_from_numpy(tensor) for tensor in kept.tensors.values()]
    options.add_external_initializers(list(kept.tensors), values)
    return ort.InferenceSession(kept.graph, options, providers=providers)


def _kept(content: bytes, path: Path, options: ort.SessionOptions, providers: list[str]) -> ort.InferenceSession:
    """Open a graph, and keep what ONNX Runtime makes of it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_BEGUN, dir=path.parent, ignore_cleanup_errors=True) as place:
        options.optimized_model_filepath = str(Path(place, _SAVED))
        options.add_session_config_entry("session.optimized_model_external_initializers_file_name", TENSORS)
        session = ort.InferenceSession(content, options, providers=providers)
        with suppress(OSError):  # a disk that is full now, or a file that another process has taken away: it is open
            tensors = Path(place, TENSORS)  # not there where all are small
            graph = without_shapes(Path(place, _SAVED).read_bytes())
            kept = packed(graph, tensors.read_bytes() if tensors.exists() else b"")
            write_atomically(path, *kept)
            path.chmod(0o600)
            _leave_newest(path.parent)
    return session


def _key(digest: str, options: ort.SessionOptions, providers: list[str], fixed: Mapping[str, int]) -> str:
    """What the file of a graph is called: all that its optimized form depends on."""
    parts = (
        _FORMAT,
        digest,
        ort.__version__,
        _processor(),
        str(int(options.graph_optimization_level.value)),
        str(options.use_deterministic_compute),
        ",".join(providers),
        str(sorted(fixed.items())),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:40]


@functools.cache
def _processor() -> str:
    """What the processor can do: the layout of an optimized graph depends on it, and a home may be shared."""
    kind = f"{platform.system()} {platform.machine()} {platform.processor()}"
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            return kind + next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    except OSError:
        return f"{kind} {platform.node()}"


def _read(path: Path) -> KeptGraph | None:
    """What is kept under a name; None unless it is the user's own, whole and harmless."""
    try:
        if not (_is_own(path.parent.stat()) and _is_own(path.lstat())):
            return None
        kept = read_kept(path)
    except OSError:
        return None
    if kept is not None:
        with suppress(OSError):
            path.touch()  # the newest are kept
    return kept


def _is_own(status: os.stat_result) -> bool:
    """Whether nobody else can have written it."""
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        return False
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & _WRITABLE_BY_OTHERS)


def _leave_newest(folder: Path) -> None:
    kept = sorted(folder.glob(f"*{_ENDING}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in kept[_KEPT:]:
        path.unlink(missing_ok=True)
    for begun in folder.glob(f"{_BEGUN}*"):
        if time.time() - begun.stat().st_mtime > _LEFT_BEHIND:
            shutil.rmtree(begun, ignore_errors=True)
