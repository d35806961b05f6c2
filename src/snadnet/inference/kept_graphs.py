"""The file of an optimized graph, whose long tensors lie behind it.

ONNX Runtime writes them into a file of their own, and takes them as arrays when it opens the graph: of a graph that
holds them it makes more copies, which takes longer and more memory.

The file is a checksum of all that follows, the length of the graph, the graph, and the file of its tensors.
"""

import math
import zlib
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snadnet.inference.onnx_safety import MAX_GRAPH_BYTES, RUNTIME_DOMAINS, graph_problem
from snadnet.inference.protobuf import DamagedError, field_head, whole_fields
from snadnet.inference.shared_tensors import tensors_in_file
from snadnet.safetensors_header import Place

TENSORS: Final = "tensors"
"""What a graph is to call the file of its tensors."""

_CHECKSUM: Final = 4  # bytes of the checksum: CRC-32, which takes half as long as a SHA-256; it is to find damage
_LENGTH: Final = 8  # bytes of the length of the graph
_HEAD: Final = _CHECKSUM + _LENGTH
_MODEL_GRAPH: Final = 7  # field numbers of ``onnx.proto``
_GRAPH_VALUES: Final = 13
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


def packed(graph: bytes, tensors: bytes) -> tuple[bytes, ...]:
    """Return the parts of the file of an optimized graph, one behind the other.

    Args:
        graph: The graph as ONNX Runtime writes it.
        tensors: The file of its tensors, which it calls `TENSORS`.
    """
    parts = (len(graph).to_bytes(_LENGTH, "little"), graph, tensors)
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    return checksum.to_bytes(_CHECKSUM, "little"), *parts


def without_shapes(model: bytes) -> bytes:
    """Return a graph without the shapes of what its operations give, a fourth of its bytes: the runtime finds them.

    Args:
        model: The graph as ONNX Runtime writes it.

    Raises:
        DamagedError: If the bytes are no ONNX model.
    """
    parts: list[bytes | memoryview] = []
    for (number, _, start, end), whole in whole_fields(model):
        if number == _MODEL_GRAPH:
            rest = [part for field, part in whole_fields(model, start, end) if field[0] != _GRAPH_VALUES]
            parts += [field_head(number, sum(map(len, rest))), *rest]
        else:
            parts.append(whole)
    return b"".join(parts)


def read_kept(path: Path) -> KeptGraph | None:
    """Return the graph of such a file; None unless it is whole and asks for nothing that no snadnet network needs.

    Raises:
        OSError: If the file cannot be read.
    """
    if path.stat().st_size > MAX_GRAPH_BYTES:
        return None
    # Into memory of large pages, where there are such: half the time of bytes.
    content = np.fromfile(path, np.uint8)
    head = content[:_HEAD].tobytes()
    if zlib.crc32(content[_CHECKSUM:].data) != int.from_bytes(head[:_CHECKSUM], "little"):
        return None
    start = _HEAD + int.from_bytes(head[_CHECKSUM:], "little")
    graph = content[_HEAD:start].tobytes()
    if graph_problem(graph, domains=RUNTIME_DOMAINS, with_weights=False) is not None:
        return None
    try:
        places = tensors_in_file(graph, TENSORS, _TYPES)
        return KeptGraph(graph, {name: _tensor(content, start, place) for name, place in places.items()})
    except DamagedError:
        return None


def _tensor(content: NDArray[np.uint8], start: int, place: Place) -> NDArray[np.generic]:
    """The tensor at a place of the file that starts there.

    Raises:
        DamagedError: If it reaches beyond it, or has another length than its shape.
    """
    dtype, count = np.dtype(place.dtype), math.prod(place.shape)
    begin = start + place.start
    if begin + place.length > len(content) or place.length != count * dtype.itemsize:
        raise DamagedError
    return np.frombuffer(content, dtype, count, begin).reshape(place.shape)
