"""The wire format of protocol buffers, as far as ONNX files need it, without the ``onnx`` package.

A message is a part of some bytes: where it starts, and where it ends. Nothing is copied or cut, as a graph has a
hundred thousand fields and its weights are long.
"""

from collections.abc import Iterator
from typing import Final

VARINT: Final = 0
BYTES: Final = 2
_FIXED64, _FIXED32 = 1, 5
_MAX_VARINT_BYTES: Final = 10
_MORE: Final = 0x80  # the highest bit of a byte says that more follow; the others are seven of the number's


class DamagedError(ValueError):
    """The bytes are no protocol buffer."""


Field = tuple[int, int, int, int]
"""One field of a message: its number in the message's definition; how it is stored, such as `VARINT` or `BYTES` (a
text, bytes or a message); where its content starts; and where it ends. The next field begins there."""


def read_fields(content: bytes, start: int = 0, end: int | None = None) -> Iterator[Field]:
    """Yield the fields of a message, in their order.

    Args:
        content: The bytes that the message is a part of.
        start: Where it starts.
        end: Where it ends; None for the end of the bytes.

    Raises:
        DamagedError: If the bytes are no message.
    """
    position, end = start, len(content) if end is None else end
    while position < end:
        # Most numbers are of one byte, and there are very many of them.
        key = content[position]
        if key < _MORE:
            position += 1
        else:
            key, position = read_varint(content, position, end)
            if key >= 1 << 32:  # other readers would drop what is above, and see another field
                raise DamagedError
        wire = key & 7
        begin = position
        if wire == BYTES:
            if position < end and content[position] < _MORE:
                begin = position + 1
                position = begin + content[position]
            else:
                length, begin = read_varint(content, position, end)
                position = begin + length
        elif wire == VARINT:
            _, position = read_varint(content, position, end)
        elif wire in (_FIXED32, _FIXED64):
            position += 4 if wire == _FIXED32 else 8
        else:
            raise DamagedError
        if position > end:
            raise DamagedError
        yield key >> 3, wire, begin, position


def whole_fields(content: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[Field, memoryview]]:
    """Yield the fields of a message, each with all of its bytes.

    Args:
        content: As for `read_fields`.
        start: As for `read_fields`.
        end: As for `read_fields`.

    Raises:
        DamagedError: If the bytes are no message.
    """
    view, begin = memoryview(content), start
    for field in read_fields(content, start, end):
        yield field, view[begin : field[3]]
        begin = field[3]


def read_messages(content: bytes, number: int, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield where the fields of one number that hold bytes, a text or a message start and end.

    Args:
        content: As for `read_fields`.
        number: The fields' number.
        start: As for `read_fields`.
        end: As for `read_fields`.

    Raises:
        DamagedError: If the bytes are no message.
    """
    for field, wire, begin, behind in read_fields(content, start, end):
        if field == number and wire == BYTES:
            yield begin, behind


def read_texts(content: bytes, start: int = 0, end: int | None = None) -> dict[int, str]:
    """Return the fields of a message of texts, by their numbers; of several of one number the last.

    Args:
        content: As for `read_fields`.
        start: As for `read_fields`.
        end: As for `read_fields`.

    Raises:
        DamagedError: If the bytes are no message.
    """
    return {
        number: content[begin:behind].decode("utf-8", "replace")
        for number, _, begin, behind in read_fields(content, start, end)
    }


def read_varint(content: bytes, start: int = 0, end: int | None = None) -> tuple[int, int]:
    """Return a number and the position behind it.

    Args:
        content: The bytes.
        start: Where the number starts.
        end: Where it ends at the latest; None for the end of the bytes.

    Raises:
        DamagedError: If it does not end.
    """
    last = len(content) if end is None else end
    if start < last and (byte := content[start]) < _MORE:
        return byte, start + 1
    value = 0
    for index, byte in enumerate(content[start : min(start + _MAX_VARINT_BYTES, last)]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < _MORE:
            return value, start + index + 1
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
