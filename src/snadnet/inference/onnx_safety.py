"""Safety checks of ONNX files: what a graph asks the runtime to do, read before the runtime sees it.

ONNX Runtime runs no code from a model file, but a model may name other files to read (external data), operations
of extensions, and loops without end. None of these is in a network that ``snadnet export`` writes, so a file
that has them is refused; for weights beside the graph see `snadnet.inference.shared_tensors`. Only the wire
format of protocol buffers is read here: the numbers below are field numbers of ``onnx.proto``.
"""

from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from snadnet.errors import WeightsError
from snadnet.inference.protobuf import BYTES, DamagedError, Field, read_fields
from snadnet.inference.shared_tensors import lies_elsewhere, shares_tensors, with_shared_tensors
from snadnet.photo import printable
from snadnet.safetensors_header import read_parts

_DAMAGED: Final = "not a readable ONNX file, or damaged"

MAX_GRAPH_BYTES: Final = 1_000_000_000
"""Largest ONNX file that is read, in bytes (1 GB); ONNX itself ends at 2 GB."""

_MODEL_GRAPH: Final = 7
_MODEL_OPERATION_SETS: Final = 8
_MODEL_FUNCTIONS: Final = 25
_GRAPH_NODE: Final = 1
_GRAPH_TENSOR: Final = 5
_GRAPH_SPARSE_TENSOR: Final = 15
_NODE_ATTRIBUTE: Final = 5
_NODE_DOMAIN: Final = 7
_OPERATION_SET_DOMAIN: Final = 1
_ATTRIBUTE_TENSORS: Final = (5, 10)
_ATTRIBUTE_GRAPHS: Final = (6, 11)
_ATTRIBUTE_SPARSE_TENSORS: Final = (22, 23)

_PLAIN_DOMAINS: Final = frozenset({b"", b"ai.onnx"})

RUNTIME_DOMAINS: Final = _PLAIN_DOMAINS | {
    b"ai.onnx.ml",
    b"ai.onnx.preview",
    b"ai.onnx.preview.training",
    b"ai.onnx.training",
    b"com.microsoft",
    b"com.microsoft.experimental",
    b"com.microsoft.nchwc",
    b"org.pytorch.aten",
}
"""Domains of the operations that are part of ONNX Runtime, which its optimized graphs name."""


def read_graph_file(path: Path) -> bytes:
    """Return an ONNX graph that holds its own weights and only plain operations, as bytes.

    A graph may share the weights of the ``.safetensors`` file beside it that has its name
    (`snadnet.inference.shared_tensors`), and of those that this rests on: then these are in the bytes that are
    returned. No other file is read.

    Raises:
        WeightsError: If the file is missing, too large or damaged, or names other files, custom operations,
            functions or sub-graphs (loops and branches).
    """
    name = printable(path)
    if not path.is_file():
        raise WeightsError(f"{name}: no such weights file; give the path of an ONNX file made by snadnet")
    content = _read(path)
    try:
        content = _completed(path, content)
    except DamagedError as error:
        raise WeightsError(f"{name}: {_DAMAGED}; export or copy it again") from error
    problem = graph_problem(content)
    if problem == _DAMAGED:
        raise WeightsError(f"{name}: {_DAMAGED}; export or copy it again")
    if problem is not None:
        raise WeightsError(f"{name}: {problem}; make it with: snadnet export")
    return content


def _completed(path: Path, content: bytes) -> bytes:
    """A graph with the weights that it keeps in the file beside it, and in those that this rests on."""
    beside = path.with_suffix(".safetensors")
    if not shares_tensors(content, beside.name):
        return content
    try:
        weights = read_parts(beside, partial(_read_beside, path))
    except ValueError as error:
        raise WeightsError(
            f"{printable(beside)}: not a readable safetensors file ({printable(str(error))}); "
            "copy it again, and the graph with it"
        ) from error
    return with_shared_tensors(content, weights)


def _read_beside(path: Path, beside: Path) -> bytes:
    if not beside.is_file():
        name = printable(path)
        raise WeightsError(f"{name}: keeps its weights in {printable(beside.name)}, which is not beside it; copy both")
    return _read(beside)


def _read(path: Path) -> bytes:
    name = printable(path)
    try:
        size = path.stat().st_size
        if size > MAX_GRAPH_BYTES:
            raise WeightsError(
                f"{name}: is {size / 1e6:.0f} MB large, more than the limit of {MAX_GRAPH_BYTES / 1e6:.0f} MB;"
                " give an ONNX file made by snadnet"
            )
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{name}: cannot be read ({error.strerror}); check its permissions") from error


def graph_problem(
    content: bytes, *, domains: Collection[bytes] = _PLAIN_DOMAINS, with_weights: bool = True
) -> str | None:
    """Return in words the first thing in a graph that no snadnet network needs, or None.

    Args:
        content: The graph.
        domains: Where operations may come from.
        with_weights: Whether it holds its own weights. Where they lie otherwise is not looked at.
    """
    try:
        return _problem(content, domains, with_weights=with_weights)
    except DamagedError:
        return _DAMAGED


def _problem(model: bytes, domains: Collection[bytes], *, with_weights: bool) -> str | None:
    for number, _, start, end in _fields(model, 0, len(model)):
        if number == _MODEL_FUNCTIONS:
            return "holds functions of its own, which no snadnet network has"
        if number == _MODEL_OPERATION_SETS and any(
            field == _OPERATION_SET_DOMAIN and model[first:last] not in domains
            for field, _, first, last in _fields(model, start, end)
        ):
            return "uses custom operations, which no snadnet network has"
        if number == _MODEL_GRAPH:
            problem = _graph_problem(model, start, end, domains, with_weights=with_weights)
            if problem is not None:
                return problem
    return None


def _graph_problem(model: bytes, start: int, end: int, domains: Collection[bytes], *, with_weights: bool) -> str | None:
    for number, _, first, last in _fields(model, start, end):
        if number == _GRAPH_SPARSE_TENSOR:
            return "holds sparse weights, which no snadnet network has"
        problem = None
        if number == _GRAPH_NODE:
            problem = _node_problem(model, first, last, domains)
        elif number == _GRAPH_TENSOR and with_weights:
            problem = _tensor_problem(model, first, last)
        if problem is not None:
            return problem
    return None


def _node_problem(model: bytes, start: int, end: int, domains: Collection[bytes]) -> str | None:
    for number, _, first, last in _fields(model, start, end):
        if number == _NODE_DOMAIN and model[first:last] not in domains:
            return "uses custom operations, which no snadnet network has"
        if number != _NODE_ATTRIBUTE:
            continue
        for kind, _, begin, behind in _fields(model, first, last):
            if kind in _ATTRIBUTE_GRAPHS:
                return "has loops or branches, which no snadnet network has"
            if kind in _ATTRIBUTE_SPARSE_TENSORS:
                return "holds sparse weights, which no snadnet network has"
            if kind in _ATTRIBUTE_TENSORS and (problem := _tensor_problem(model, begin, behind)) is not None:
                return problem
    return None


def _tensor_problem(model: bytes, start: int, end: int) -> str | None:
    return "keeps its weights in other files, which are never read" if lies_elsewhere(model, start, end) else None


def _fields(model: bytes, start: int, end: int) -> Iterator[Field]:
    """The fields of a message that hold bytes, a text or a message."""
    for field in read_fields(model, start, end):
        if field[1] == BYTES:
            yield field
