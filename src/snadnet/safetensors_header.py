"""What a safetensors file says of itself, read without PyTorch: where its tensors lie, and which file it rests on."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

BASE: Final = "base"
"""Key of the metadata: the name of a weights file in the same folder that holds the tensors of one part."""

_METADATA: Final = "__metadata__"
_SIZES: Final = {"F32": 4, "F16": 2}
_HEAD: Final = 8  # bytes that tell the length of the header


class Place(NamedTuple):
    """Where a tensor lies in a weights file, and what it is.

    Attributes:
        start: First byte in the file.
        length: Bytes.
        dtype: The type, as safetensors calls it.
        shape: Its dimensions.
    """

    start: int
    length: int
    dtype: str
    shape: tuple[int, ...]


def tensor_places(content: bytes) -> dict[str, Place]:
    """Return where the tensors of a safetensors file lie, by name: those of the types that may be shared.

    Args:
        content: The file's bytes.

    Raises:
        ValueError: If the bytes are no safetensors file, or a tensor lies outside it.
    """
    try:
        return _tensor_places(content)
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError("the header is damaged") from error


def _tensor_places(content: bytes) -> dict[str, Place]:
    header, begin = _header(content)
    places = {}
    for name, entry in header.items():
        if name == _METADATA or entry["dtype"] not in _SIZES:
            continue
        first, last = (int(offset) for offset in entry["data_offsets"])
        shape = tuple(int(side) for side in entry["shape"])
        place = Place(begin + first, last - first, entry["dtype"], shape)
        if not (0 <= first <= last <= len(content) - begin and min(shape, default=0) >= 0):
            raise ValueError(f"the tensor {name!r} lies outside the file")
        if place.length != math.prod(shape) * _SIZES[place.dtype]:
            raise ValueError(f"the tensor {name!r} has another length than its shape")
        places[name] = place
    return places


def base_name(content: bytes) -> str | None:
    """Return the name of the file that a weights file rests on; None if it holds all of its tensors.

    Args:
        content: The file's bytes.

    Raises:
        ValueError: If the bytes are no safetensors file, or the name is none of a file beside it.
    """
    metadata = _header(content)[0].get(_METADATA, {})
    name = metadata.get(BASE) if isinstance(metadata, dict) else None
    if name is not None and not is_base_name(name):
        raise ValueError(f"{name!r} is no file beside it")
    return name


def read_parts(path: Path, read: Callable[[Path], bytes] = Path.read_bytes) -> dict[Path, bytes]:
    """Return the bytes of a weights file, and those of the files that it rests on, by their places.

    Args:
        path: The file.
        read: Reads each of them.

    Raises:
        ValueError: If one is no safetensors file, names none beside it, or rests on itself.
        OSError: If a file cannot be read.
    """
    parts: dict[Path, bytes] = {}
    part: Path | None = path
    while part is not None:
        if part in parts:
            raise ValueError(f"{part.name} rests on itself")
        parts[part] = read(part)
        base = base_name(parts[part])
        part = None if base is None else path.with_name(base)
    return parts


def is_base_name(name: object) -> bool:
    """Whether a name is that of a weights file beside another: one without a folder."""
    return isinstance(name, str) and name.endswith(".safetensors") and not set(name) & set("/\\:\0")


def _header(content: bytes) -> tuple[dict[str, Any], int]:
    """The header, and where the tensors begin."""
    begin = _HEAD + int.from_bytes(content[:_HEAD], "little")
    if len(content) < begin:
        raise ValueError("the header is cut off")
    try:
        header = json.loads(content[_HEAD:begin])
    except RecursionError as error:
        raise ValueError("the header is nested too deeply") from error
    if not isinstance(header, dict):
        raise ValueError("the header is no dictionary")
    return header, begin
