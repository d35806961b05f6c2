"""Inputs and outputs of an ONNX graph, read before a runtime opens it. Numbers are field numbers of ``onnx.proto``."""

from typing import Final, NamedTuple

from snadnet.inference.protobuf import VARINT, read_fields, read_messages, read_varint

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
    for graph in read_messages(memoryview(content), _MODEL_GRAPH):
        inputs = [_port(value) for value in read_messages(graph, _GRAPH_INPUT)]
        if len(inputs) > 1:  # graphs of old list their weights among the inputs
            weights = {_text(tensor, _TENSOR_NAME) for tensor in read_messages(graph, _GRAPH_TENSOR)}
            inputs = [port for port in inputs if port.name not in weights]
        ports.inputs.extend(inputs)
        ports.outputs.extend(_port(value) for value in read_messages(graph, _GRAPH_OUTPUT))
    return ports


def _port(value: memoryview) -> Port:
    element, shape = 0, []
    for kind in read_messages(value, _VALUE_TYPE):
        for tensor in read_messages(kind, _TYPE_TENSOR):
            element = _number(tensor, _TENSOR_ELEMENT)
            shape = [
                _dimension(each)
                for dims in read_messages(tensor, _TENSOR_SHAPE)
                for each in read_messages(dims, _SHAPE_DIMENSION)
            ]
    return Port(_text(value, _VALUE_NAME), _TYPES.get(element, f"of another type ({element})"), tuple(shape))


def _dimension(message: memoryview) -> int | str:
    sized = any(field.number == _DIMENSION_SIZE and field.wire == VARINT for field in read_fields(message))
    return _number(message, _DIMENSION_SIZE) if sized else _text(message, _DIMENSION_NAME)


def _text(message: memoryview, number: int) -> str:
    texts = [bytes(content).decode("utf-8", "replace") for content in read_messages(message, number)]
    return texts[-1] if texts else ""


def _number(message: memoryview, number: int) -> int:
    values = [
        read_varint(field.content)[0]
        for field in read_fields(message)
        if field.wire == VARINT and field.number == number
    ]
    return values[-1] if values else 0
