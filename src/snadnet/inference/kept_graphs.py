"""The file of an optimized graph: its tensors lie beside it, as they are run, and need not be copied when it is opened.

A checksum, the place of the graph, the tensors that ONNX Runtime writes into a file of their own, and the graph. The
tensors lie in the order of the graph, each at a multiple of 64 bytes, a line of the processor's cache. Where the graph
says that they lie is not looked at.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snadnet.inference.onnx_safety import MAX_GRAPH_BYTES, RUNTIME_DOMAINS, graph_problem
from snadnet.inference.protobuf import DamagedError
from snadnet.inference.shared_tensors import tensors_in_file
from snadnet.safetensors_header import Place

TENSORS: Final = "tensors"
"""What a graph is to call the file of its tensors."""

_LINE: Final = 64
_DIGEST: Final = hashlib.sha256().digest_size
_NUMBER: Final = 8
_TYPES: Final = {1: "float32", 7: "int64"}
"""ONNX's numbers of the types of tensors that are long enough to lie outside of a graph."""


class KeptGraph(NamedTuple):
    """An optimized graph that has been checked.

    Attributes:
        graph: Its bytes, without its long tensors.
        tensors: These, by their names.
    """

    graph: bytes
    tensors: dict[str, NDArray[np.generic]]


def packed(graph: bytes, tensors: bytes) -> bytes:
    """Return the file of an optimized graph.

    Args:
        graph: The graph as ONNX Runtime writes it.
        tensors: The file of its tensors, which it calls `TENSORS`.

    Raises:
        DamagedError: If it is no such graph, or has long tensors of other types than these graphs have.
    """
    places = tensors_in_file(graph, TENSORS, _TYPES)
    content = bytearray(_LINE)
    for name, start in _starts(places):
        content.extend(bytes(start - len(content)))
        content.extend(tensors[places[name].start : places[name].start + places[name].length])
    content.extend(bytes(-len(content) % _LINE))
    content[_DIGEST : _DIGEST + _NUMBER] = len(content).to_bytes(_NUMBER, "little")
    content.extend(graph)
    content[:_DIGEST] = hashlib.sha256(memoryview(content)[_DIGEST:]).digest()
    return bytes(content)


def read_kept(path: Path) -> KeptGraph | None:
    """Return the graph of such a file; None unless it is whole and asks for nothing that no snadnet network needs.

    Raises:
        OSError: If the file cannot be read.
    """
    content = _read_whole(path)
    if content is None:
        return None
    end = int.from_bytes(content.data[_DIGEST : _DIGEST + _NUMBER], "little")
    graph = content[end:].tobytes()
    if graph_problem(graph, domains=RUNTIME_DOMAINS, with_weights=False) is not None:
        return None
    try:
        return KeptGraph(graph, _tensors(content[:end], tensors_in_file(graph, TENSORS, _TYPES)))
    except DamagedError:
        return None


def _read_whole(path: Path) -> NDArray[np.uint8] | None:
    """The content of a file, from a multiple of 64 bytes on; None unless its checksum is right."""
    size = path.stat().st_size
    if not _LINE <= size <= MAX_GRAPH_BYTES:
        return None
    room = np.empty(size + _LINE, np.uint8)
    content = room[-room.ctypes.data % _LINE :][:size]
    with path.open("rb") as file:
        whole = file.readinto(content.data) == size
    return content if whole and hashlib.sha256(content.data[_DIGEST:]).digest() == content.data[:_DIGEST] else None


def _tensors(content: NDArray[np.uint8], places: Mapping[str, Place]) -> dict[str, NDArray[np.generic]]:
    """The tensors before the graph.

    Raises:
        DamagedError: If they do not fit there.
    """
    tensors = {}
    for name, start in _starts(places):
        _, length, dtype, shape = places[name]
        if start + length > len(content) or length != math.prod(shape) * np.dtype(dtype).itemsize:
            raise DamagedError
        tensors[name] = content[start : start + length].view(dtype).reshape(shape)
    return tensors


def _starts(places: Mapping[str, Place]) -> Iterator[tuple[str, int]]:
    """Where each tensor lies in the file."""
    position = _LINE
    for name, place in places.items():
        yield name, position
        position += place.length
        position += -position % _LINE
