"""Metadata of an exported graph: its model and the sizes it takes."""

from collections.abc import Mapping
from typing import Final

from snadnet.errors import WeightsError
from snadnet.faces.defaults import CROP_SIZE
from snadnet.inference.protobuf import read_messages, read_texts
from snadnet.photo import printable
from snadnet.size_rule import SMALLEST_SIDE, SizeRule

MODEL_KEY: Final = "model"
"""The registered name of the network."""

SIZE_MULTIPLE_KEY: Final = "size_multiple"
"""Heights and widths are multiples of it: one number (``32``), or two where they differ (``16x8``)."""

SMALLEST_SIDE_KEY: Final = "smallest_side"
"""No side is below it, in pixels."""

CROP_SIZE_KEY: Final = "crop_size"
"""Side of the face crops that the network is made for, in pixels."""

# Field numbers of onnx.proto.
_MODEL_METADATA: Final = 14
_ENTRY_KEY, _ENTRY_VALUE = 1, 2

DEFAULT_SIZE_MULTIPLE: Final = 16
MAX_SIZE_MULTIPLE: Final = 256
"""A larger one would enlarge every crop."""

MAX_SMALLEST_SIDE: Final = 512
MAX_CROP_SIZE: Final = 1024


def describe(model: str, size: SizeRule, crop_size: int = CROP_SIZE) -> dict[str, str]:
    """The entries of a network, by key; `read_size_rule` and `read_crop_size` read the sizes back."""
    multiple = str(size.height_multiple)
    if size.width_multiple != size.height_multiple:
        multiple = f"{multiple}x{size.width_multiple}"
    return {
        MODEL_KEY: model,
        SIZE_MULTIPLE_KEY: multiple,
        SMALLEST_SIDE_KEY: str(size.smallest),
        CROP_SIZE_KEY: str(crop_size),
    }


def read_metadata(content: bytes) -> dict[str, str]:
    """Return the entries of a graph, by key: of one that has been checked."""
    entries = {}
    for entry in read_messages(content, _MODEL_METADATA):
        texts = read_texts(content, *entry)
        entries[texts.get(_ENTRY_KEY, "")] = texts.get(_ENTRY_VALUE, "")
    return entries


def read_size_rule(name: str, metadata: Mapping[str, str]) -> SizeRule:
    """The sizes that a graph takes; what it does not say is a multiple of 16, and a smallest side of 32 px.

    Args:
        name: The file, for messages.
        metadata: The file's entries.

    Raises:
        WeightsError: If an entry is no number, or too large.
    """
    first, cross, second = metadata.get(SIZE_MULTIPLE_KEY, str(DEFAULT_SIZE_MULTIPLE)).partition("x")
    height = _number(name, SIZE_MULTIPLE_KEY, first, MAX_SIZE_MULTIPLE)
    width = _number(name, SIZE_MULTIPLE_KEY, second, MAX_SIZE_MULTIPLE) if cross else height
    smallest = metadata.get(SMALLEST_SIDE_KEY, str(SMALLEST_SIDE))
    return SizeRule(height, width, _number(name, SMALLEST_SIDE_KEY, smallest, MAX_SMALLEST_SIDE))


def read_crop_size(name: str, metadata: Mapping[str, str]) -> int:
    """The crops that a graph is made for; 256 px where it does not say.

    Args:
        name: The file, for messages.
        metadata: The file's entries.

    Raises:
        WeightsError: If the entry is no number, or too large.
    """
    return _number(name, CROP_SIZE_KEY, metadata.get(CROP_SIZE_KEY, str(CROP_SIZE)), MAX_CROP_SIZE)


def _number(name: str, key: str, text: str, most: int) -> int:
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    if not (digits and 0 < int(text) <= most):
        raise WeightsError(
            f"{name}: its {key} {printable(text)[:40]!r} is no whole number from 1 to {most}; export it again"
        )
    return int(text)
