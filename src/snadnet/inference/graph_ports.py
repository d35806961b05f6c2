"""Inputs and outputs of an ONNX graph, read before a runtime opens it. Numbers are field numbers of ``onnx.proto``."""

from typing import Final, NamedTuple

from snadnet.inference.protobuf import BYTES, VARINT, read_fields, read_messages, read_varint

_MODEL_GRAPH: Final = 7
_GRAPH_TENSOR: Final = 5
_GRAPH_INPUT: Final = 11
_GRAPH_OUTPUT: Final = 12
_TENSOR_NAME: Final = 8
_VALUE_NAME, _VALUE_TYPE = 1, 2
_TYPE_TENSOR: Final = 1
_TENSOR_ELEMENT, _TENSOR_SHAPE = 1, 2
_SHAPE_DIMENSION: Final = 1
_DIMENSION_SIZE, _DIMENSION_NAME = 1, 2

_TYPES: Final = {1: "float32", 10: "float16", 11: "float64", 16: "bfloat16"}


class Port(NamedTuple):
    """An input or output of a graph.

    Attributes:
        name: Its name.
        type: The type of its numbers, such as "float32".
        shape: Its dimensions: numbers, and of what is free the names.
    """

    name: str
    type: str
    shape: tuple[int | str, ...]

    @property
    def sizes(self) -> list[int | None]:
        """The dimensions; None where one is free."""
        return [size if isinstance(size, int) else None for size in self.shape]


class GraphPorts(NamedTuple):
    """What a graph takes and gives."""

    inputs: list[Port]
    outputs: list[Port]


def read_ports(content: bytes) -> GraphPorts:
    """Return the inputs and outputs of a graph, which has been checked.

    Raises:
        DamagedError: If the bytes are no ONNX model.
    """
    ports = GraphPorts([], [])
    for graph in read_messages(content, _MODEL_GRAPH):
        inputs, outputs, tensors = [], [], []
        for number, wire, start, end in read_fields(content, *graph):
            if wire != BYTES:
                continue
            if number == _GRAPH_INPUT:
                inputs.append(_port(content, start, end))
            elif number == _GRAPH_OUTPUT:
                outputs.append(_port(content, start, end))
            elif number == _GRAPH_TENSOR:
                tensors.append((start, end))
        if len(inputs) > 1:  # graphs of old list their weights among the inputs
            names = {_text(content, _TENSOR_NAME, *tensor) for tensor in tensors}
            inputs = [port for port in inputs if port.name not in names]
        ports.inputs.extend(inputs)
        ports.outputs.extend(outputs)
    return ports


def _port(content: bytes, start: int, end: int) -> Port:
    element, shape = 0, []
    for kind in read_messages(content, _VALUE_TYPE, start, end):
        for tensor in read_messages(content, _TYPE_TENSOR, *kind):
            element = _number(content, _TENSOR_ELEMENT, *tensor)
            shape = [
                _dimension(content, *each)
                for dims in read_messages(content, _TENSOR_SHAPE, *tensor)
                for each in read_messages(content, _SHAPE_DIMENSION, *dims)
            ]
    name = _text(content, _VALUE_NAME, start, end)
    return Port(name, _TYPES.get(element, f"of another type ({element})"), tuple(shape))


def _dimension(content: bytes, start: int, end: int) -> int | str:
    sized = any(number == _DIMENSION_SIZE and wire == VARINT for number, wire, *_ in read_fields(content, start, end))
    return _number(content, _DIMENSION_SIZE, start, end) if sized else _text(content, _DIMENSION_NAME, start, end)


def _text(content: bytes, number: int, start: int, end: int) -> str:
    texts = list(read_messages(content, number, start, end))
    return content[slice(*texts[-1])].decode("utf-8", "replace") if texts else ""


def _number(content: bytes, number: int, start: int, end: int) -> int:
    values = [
        read_varint(content, begin, behind)[0]
        for field, wire, begin, behind in read_fields(content, start, end)
        if wire == VARINT and field == number
    ]
    return values[-1] if values else 0
