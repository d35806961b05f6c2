"""One set of weights for both runtimes: a graph whose tensors lie in the ``.safetensors`` file beside it.

ONNX calls this external data: a tensor names a file, an offset and a length. Here the file is always the one beside
the graph that has its name and the ending ``.safetensors``, or the one that this rests on, and the place must be that
of one of its tensors, of the same type and shape. ONNX Runtime never opens it: the tensors are put into the graph's
bytes first, which then are those of a graph that holds its own weights. The graphs of
`snadnet.inference.kept_graphs` say in the same way where their tensors lie. Numbers below are field numbers of
``onnx.proto``.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from snadnet.errors import WeightsError
from snadnet.inference.protobuf import (
    BYTES,
    VARINT,
    DamagedError,
    field_head,
    read_fields,
    read_messages,
    read_texts,
    read_varint,
    whole_fields,
)
from snadnet.photo import printable
from snadnet.safetensors_header import Place, tensor_places

_MODEL_GRAPH: Final = 7
_GRAPH_TENSOR: Final = 5
_TENSOR_DIMENSIONS: Final = 1
_TENSOR_TYPE: Final = 2
_TENSOR_NAME: Final = 8
_TENSOR_BYTES: Final = 9
_TENSOR_REMARK: Final = 12
_TENSOR_EXTERNAL_DATA: Final = 13
_TENSOR_LOCATION: Final = 14
_ENTRY_KEY, _ENTRY_VALUE = 1, 2

TYPES: Final = {1: "F32", 10: "F16"}
"""ONNX's numbers of the types that may be shared, and what safetensors calls them."""

Part = bytes | memoryview
Span = tuple[int, int]  # where a message starts and ends
_MAX_DIGITS: Final = 12


def shares_tensors(model: bytes, file_name: str) -> bool:
    """Whether a graph keeps tensors in the file of that name.

    Raises:
        DamagedError: If the bytes are no ONNX model.
    """
    return any(_read_tensor(model, tensor).entries.get("location") == file_name for tensor in _initializers(model))


def tensors_in_file(model: bytes, file_name: str, types: Mapping[int, str]) -> dict[str, Place]:
    """Return the tensors that a graph keeps in other files, by their names.

    Args:
        model: The graph.
        file_name: The only file that may be named.
        types: ONNX's numbers of the types that they may have, and what to call them.

    Raises:
        DamagedError: If the bytes are no ONNX model, or a tensor lies in another file, or says where it lies in
            another way than ONNX Runtime does.
    """
    places = {}
    for tensor in map(partial(_read_tensor, model), _initializers(model)):
        if not tensor.lies_elsewhere:
            continue
        place = _place(tensor, types)
        if place is None or tensor.entries["location"] != file_name:
            raise DamagedError
        places[tensor.name] = place
    return places


def lies_elsewhere(model: bytes, start: int, end: int) -> bool:
    """Whether the tensor there says that its data is in another file, or where.

    Raises:
        DamagedError: If the bytes are no message.
    """
    return _read_tensor(model, (start, end)).lies_elsewhere


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

    def completed(span: Span) -> list[Part] | None:
        tensor = _read_tensor(model, span)
        location = tensor.entries.get("location", "")
        place = _place(tensor, TYPES) if location in files else None
        if place is None:
            return None
        name, data = files[location]
        if place not in known[location]:
            raise WeightsError(f"{name}: is of another network than the graph beside it; copy both again")
        rest = [
            whole
            for (number, *_), whole in whole_fields(model, *span)
            if number not in (_TENSOR_EXTERNAL_DATA, _TENSOR_LOCATION)
        ]
        return [*rest, field_head(_TENSOR_BYTES, place.length), data[place.start : place.start + place.length]]

    return b"".join(_rebuilt(model, (0, len(model)), (_MODEL_GRAPH, _GRAPH_TENSOR), completed))


def _places(weights: bytes, path: Path) -> list[Place]:
    try:
        return list(tensor_places(weights).values())
    except ValueError as error:
        raise WeightsError(
            f"{printable(path)}: not a readable safetensors file; copy it again, and the graph with it"
        ) from error


def _rebuilt(
    model: bytes, message: Span, path: tuple[int, ...], change: Callable[[Span], list[Part] | None]
) -> Iterator[Part]:
    """Yield the parts of a message in which the messages at a path of field numbers are changed.

    Args:
        model: The bytes.
        message: Where in them the message lies.
        path: The field's number in this message, then in that field's message, and so on.
        change: Returns the parts of a message at the end of the path, or None to leave it.

    Raises:
        DamagedError: If the bytes are no message.
    """
    for (number, wire, start, end), whole in whole_fields(model, *message):
        parts: list[Part] | None = None
        if wire == BYTES and number == path[0]:
            inside = path[1:]
            parts = list(_rebuilt(model, (start, end), inside, change)) if inside else change((start, end))
        if parts is None:
            yield whole
        else:
            yield field_head(number, sum(map(len, parts)))
            yield from parts


def _initializers(model: bytes) -> Iterator[Span]:
    for graph in read_messages(model, _MODEL_GRAPH):
        yield from read_messages(model, _GRAPH_TENSOR, *graph)


class _Tensor(NamedTuple):
    """What a graph says of a tensor.

    Attributes:
        name: Its name.
        type: ONNX's number of its type.
        shape: Its dimensions.
        location: ONNX's number of where its data is; 1 says in another file.
        lies_elsewhere: Whether anything says that it is in another file.
        entries: Where in that file, as ONNX writes it.
        holds_more: Whether there is anything else, such as data of its own.
    """

    name: str
    type: int
    shape: tuple[int, ...]
    location: int
    lies_elsewhere: bool
    entries: dict[str, str]
    holds_more: bool


def _read_tensor(model: bytes, span: Span) -> _Tensor:
    name, shape, numbers = "", [], {_TENSOR_TYPE: 0, _TENSOR_LOCATION: 0}
    elsewhere = more = False
    entries: dict[str, str] = {}
    for number, wire, start, end in read_fields(model, *span):
        if wire == VARINT:
            value = read_varint(model, start, end)[0]
            if number == _TENSOR_DIMENSIONS:
                shape.append(value)
            elif number in numbers:
                numbers[number] = value
            else:
                more = True
            elsewhere |= value != 0 and number in (_TENSOR_LOCATION, _TENSOR_EXTERNAL_DATA)
        elif wire == BYTES and number == _TENSOR_EXTERNAL_DATA:
            texts = read_texts(model, start, end)
            key = texts.get(_ENTRY_KEY, "")
            # A second entry of one key would be read in one way here and in another by others.
            entries[key if key not in entries else f"second {key}"] = texts.get(_ENTRY_VALUE, "")
            elsewhere = True
        elif wire == BYTES and number == _TENSOR_NAME:
            name = model[start:end].decode("utf-8", "replace")
        else:
            more |= wire != BYTES or number != _TENSOR_REMARK
            elsewhere |= wire == BYTES and number == _TENSOR_LOCATION
    return _Tensor(name, numbers[_TENSOR_TYPE], tuple(shape), numbers[_TENSOR_LOCATION], elsewhere, entries, more)


def _place(tensor: _Tensor, types: Mapping[int, str]) -> Place | None:
    """The place that a tensor names in a file; None unless it says so in just the way that snadnet writes it.

    Args:
        tensor: What the graph says of it.
        types: ONNX's numbers of the types that it may have, and their names.
    """
    if set(tensor.entries) != {"location", "offset", "length"}:
        return None
    dtype = types.get(tensor.type)
    texts = tensor.entries["offset"], tensor.entries["length"]
    digits = all(text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS for text in texts)
    if tensor.holds_more or tensor.location != 1 or dtype is None or not digits:
        return None
    return Place(int(texts[0]), int(texts[1]), dtype, tensor.shape)
