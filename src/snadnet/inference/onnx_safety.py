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
from snadnet.inference.protobuf import BYTES, VARINT, DamagedError, read_fields, read_varint
from snadnet.inference.shared_tensors import shares_tensors, with_shared_tensors
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
_TENSOR_EXTERNAL_DATA: Final = 13
_TENSOR_LOCATION: Final = 14

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


def graph_problem(content: bytes, *, domains: Collection[bytes] = _PLAIN_DOMAINS) -> str | None:
    """Return in words the first thing in a graph that no snadnet network needs, or None.

    Args:
        content: The graph, with its own weights.
        domains: Where operations may come from.
    """
    try:
        return _problem(memoryview(content), domains)
    except DamagedError:
        return _DAMAGED


def _problem(model: memoryview, domains: Collection[bytes]) -> str | None:
    for number, value in _fields(model):
        if number == _MODEL_FUNCTIONS:
            return "holds functions of its own, which no snadnet network has"
        if number == _MODEL_OPERATION_SETS and any(
            field == _OPERATION_SET_DOMAIN and bytes(domain) not in domains for field, domain in _fields(value)
        ):
            return "uses custom operations, which no snadnet network has"
        if number == _MODEL_GRAPH and (problem := _graph_problem(value, domains)) is not None:
            return problem
    return None


def _graph_problem(graph: memoryview, domains: Collection[bytes]) -> str | None:
    for number, value in _fields(graph):
        if number == _GRAPH_SPARSE_TENSOR:
            return "holds sparse weights, which no snadnet network has"
        problem = None
        if number == _GRAPH_NODE:
            problem = _node_problem(value, domains)
        elif number == _GRAPH_TENSOR:
            problem = _tensor_problem(value)
        if problem is not None:
            return problem
    return None


def _node_problem(node: memoryview, domains: Collection[bytes]) -> str | None:
    for number, value in _fields(node):
        if number == _NODE_DOMAIN and bytes(value) not in domains:
            return "uses custom operations, which no snadnet network has"
        if number != _NODE_ATTRIBUTE:
            continue
        for kind, held in _fields(value):
            if kind in _ATTRIBUTE_GRAPHS:
                return "has loops or branches, which no snadnet network has"
            if kind in _ATTRIBUTE_SPARSE_TENSORS:
                return "holds sparse weights, which no snadnet network has"
            if kind in _ATTRIBUTE_TENSORS and (problem := _tensor_problem(held)) is not None:
                return problem
    return None


def _tensor_problem(tensor: memoryview) -> str | None:
    if any(number in (_TENSOR_EXTERNAL_DATA, _TENSOR_LOCATION) for number, _ in _fields(tensor, with_numbers=True)):
        return "keeps its weights in other files, which are never read"
    return None


def _fields(message: memoryview, *, with_numbers: bool = False) -> Iterator[tuple[int, memoryview]]:
    """The number and content of each field that holds bytes, a text or a message.

    Args:
        message: One message in the wire format.
        with_numbers: Yield fields that hold numbers other than 0 too, with their bytes.

    Raises:
        DamagedError: If the bytes are no message.
    """
    for field in read_fields(message):
        is_number = field.wire == VARINT and with_numbers and read_varint(field.content)[0] != 0
        if field.wire == BYTES or is_number:
            yield field.number, field.content
