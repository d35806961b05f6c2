"""One set of weights for both runtimes: a graph whose tensors lie in the ``.safetensors`` file beside it.

ONNX calls this external data: a tensor names a file, an offset and a length. Here the file is always the one beside
the graph that has its name and the ending ``.safetensors``, or the one that this rests on, and the place must be that
of one of its tensors, of the same type and shape. ONNX Runtime never opens it: the tensors are put into the graph's
bytes first, which then are those of a graph that holds its own weights. Numbers below are field numbers of
``onnx.proto``.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from snadnet.errors import WeightsError
from snadnet.inference.protobuf import BYTES, VARINT, field_head, read_fields, read_messages, read_texts, read_varint
from snadnet.photo import printable
from snadnet.safetensors_header import Place, tensor_places

_MODEL_GRAPH: Final = 7
_GRAPH_TENSOR: Final = 5
_TENSOR_DIMENSIONS: Final = 1
_TENSOR_TYPE: Final = 2
_TENSOR_NAME: Final = 8
_TENSOR_BYTES: Final = 9
_TENSOR_EXTERNAL_DATA: Final = 13
_TENSOR_LOCATION: Final = 14
_ENTRY_KEY, _ENTRY_VALUE = 1, 2

TYPES: Final = {1: "F32", 10: "F16"}
"""ONNX's numbers of the types that may be shared, and what safetensors calls them."""

Part = bytes | memoryview
_MAX_DIGITS: Final = 12


def shares_tensors(model: bytes, file_name: str) -> bool:
    """Whether a graph keeps tensors in the file of that name.

    Raises:
        DamagedError: If the bytes are no ONNX model.
    """
    return any(_external(tensor).get("location") == file_name for tensor in _initializers(memoryview(model)))


def with_shared_tensors(model: bytes, weights: Mapping[Path, bytes]) -> bytes:
    """Return a graph with the tensors in it that it keeps in weights files.

    Args:
        model: The bytes of the graph's file.
        weights: The bytes of each weights file; the graph must call it by its name, which messages show too.

    Raises:
        WeightsError: If a weights file is damaged, or a tensor of the graph is not one of its tensors.
        DamagedError: If the bytes are no ONNX model.
    """
    files = {path.name: (printable(path), memoryview(content)) for path, content in weights.items()}
    known = {path.name: set(_places(content, path)) for path, content in weights.items()}

    def completed(tensor: memoryview) -> list[Part] | None:
        entries = _external(tensor)
        location = entries.get("location", "")
        place = _place(tensor, entries) if location in files else None
        if place is None:
            return None
        name, data = files[location]
        if place not in known[location]:
            raise WeightsError(f"{name}: is of another network than the graph beside it; copy both again")
        fields = [
            field for field in read_fields(tensor) if field.number not in (_TENSOR_EXTERNAL_DATA, _TENSOR_LOCATION)
        ]
        head = field_head(_TENSOR_BYTES, place.length)
        return [*(field.whole for field in fields), head, data[place.start : place.start + place.length]]

    return b"".join(_rebuilt(memoryview(model), (_MODEL_GRAPH, _GRAPH_TENSOR), completed))


def _places(weights: bytes, path: Path) -> list[Place]:
    try:
        return list(tensor_places(weights).values())
    except ValueError as error:
        raise WeightsError(
            f"{printable(path)}: not a readable safetensors file; copy it again, and the graph with it"
        ) from error


def _rebuilt(
    message: memoryview, path: tuple[int, ...], change: Callable[[memoryview], list[Part] | None]
) -> Iterator[Part]:
    """Yield the parts of a message in which the messages at a path of field numbers are changed.

    Args:
        message: The message.
        path: The field's number in this message, then in that field's message, and so on.
        change: Returns the parts of a message at the end of the path, or None to leave it.

    Raises:
        DamagedError: If the bytes are no message.
    """
    for field in read_fields(message):
        parts: list[Part] | None = None
        if field.wire == BYTES and field.number == path[0]:
            inside = path[1:]
            parts = list(_rebuilt(field.content, inside, change)) if inside else change(field.content)
        if parts is None:
            yield field.whole
        else:
            yield field_head(field.number, sum(map(len, parts)))
            yield from parts


def _initializers(model: memoryview) -> Iterator[memoryview]:
    for graph in read_messages(model, _MODEL_GRAPH):
        yield from read_messages(graph, _GRAPH_TENSOR)


def _external(tensor: memoryview) -> dict[str, str]:
    """Where a tensor says that its data is, as ONNX writes it; empty if it holds them."""
    entries = {}
    for entry in read_messages(tensor, _TENSOR_EXTERNAL_DATA):
        texts = read_texts(entry)
        key = texts.get(_ENTRY_KEY, "")
        # A second entry of one key would be read in one way here and in another by others.
        entries[key if key not in entries else f"second {key}"] = texts.get(_ENTRY_VALUE, "")
    return entries


def _place(tensor: memoryview, entries: Mapping[str, str]) -> Place | None:
    """The place that a tensor names in a file; None unless it says so in just the way that snadnet writes it.

    Args:
        tensor: The tensor.
        entries: Of `_external`.
    """
    if set(entries) != {"location", "offset", "length"}:
        return None
    shape: list[int] = []
    numbers = {_TENSOR_TYPE: 0, _TENSOR_LOCATION: 0}
    for field in read_fields(tensor):
        if field.wire == VARINT and field.number == _TENSOR_DIMENSIONS:
            shape.append(read_varint(field.content)[0])
        elif field.wire == VARINT and field.number in numbers:
            numbers[field.number] = read_varint(field.content)[0]
        elif field.wire != BYTES or field.number not in (_TENSOR_NAME, _TENSOR_EXTERNAL_DATA):
            return None  # data of its own, beside those of the file
    dtype = TYPES.get(numbers[_TENSOR_TYPE])
    texts = entries["offset"], entries["length"]
    digits = all(text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS for text in texts)
    if dtype is None or numbers[_TENSOR_LOCATION] != 1 or not digits:
        return None
    return Place(int(texts[0]), int(texts[1]), dtype, tuple(shape))
