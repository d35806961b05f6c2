"""The wire format of protocol buffers, as far as ONNX files need it, without the ``onnx`` package."""

from collections.abc import Iterator
from typing import Final, NamedTuple

VARINT: Final = 0
BYTES: Final = 2
_FIXED64, _FIXED32 = 1, 5
_MAX_VARINT_BYTES: Final = 10
_MORE: Final = 0x80  # the highest bit of a byte says that more follow; the others are seven of the number's


class DamagedError(ValueError):
    """The bytes are no protocol buffer."""


class Field(NamedTuple):
    """One field of a message.

    Attributes:
        number: Its number in the message's definition.
        wire: How it is stored, such as `VARINT` or `BYTES` (a text, bytes or a message).
        content: Its content as it is stored.
        whole: All its bytes, with number and length.
    """

    number: int
    wire: int
    content: memoryview
    whole: memoryview


def read_fields(message: memoryview) -> Iterator[Field]:
    """Yield the fields of a message, in their order.

    Raises:
        DamagedError: If the bytes are no message.
    """
    position, end = 0, len(message)
    while position < end:
        begin = position
        # Most numbers are of one byte, and there are very many of them.
        key = message[position]
        if key < _MORE:
            position += 1
        else:
            key, position = read_varint(message, position)
            if key >= 1 << 32:  # other readers would drop what is above, and see another field
                raise DamagedError
        number, wire = key >> 3, key & 7
        start = position
        if wire == BYTES:
            if position < end and message[position] < _MORE:
                start = position + 1
                position = start + message[position]
            else:
                length, start = read_varint(message, position)
                position = start + length
        elif wire == VARINT:
            _, position = read_varint(message, position)
        elif wire in (_FIXED32, _FIXED64):
            position += 4 if wire == _FIXED32 else 8
        else:
            raise DamagedError
        if position > end:
            raise DamagedError
        yield Field(number, wire, message[start:position], message[begin:position])


def read_messages(message: memoryview, number: int) -> Iterator[memoryview]:
    """Yield the content of the fields of one number that hold bytes, a text or a message.

    Raises:
        DamagedError: If the bytes are no message.
    """
    for field in read_fields(message):
        if field.wire == BYTES and field.number == number:
            yield field.content


def read_texts(message: memoryview) -> dict[int, str]:
    """Return the fields of a message of texts, by their numbers; of several of one number the last.

    Raises:
        DamagedError: If the bytes are no message.
    """
    return {field.number: bytes(field.content).decode("utf-8", "replace") for field in read_fields(message)}


def read_varint(message: memoryview, position: int = 0) -> tuple[int, int]:
    """Return a number and the position behind it.

    Raises:
        DamagedError: If it does not end.
    """
    value = 0
    for index, byte in enumerate(message[position : position + _MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < _MORE:
            return value, position + index + 1
    raise DamagedError


def field_head(number: int, length: int) -> bytes:
    """Return what stands before the content of a field of `BYTES`."""
    return _varint(number << 3 | BYTES) + _varint(length)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= _MORE:
        encoded.append(value & 0x7F | _MORE)
        value >>= 7
    return bytes([*encoded, value])
