"""Descriptors of networks: task, source, sizes and value range, declared once and used everywhere."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from torch import Tensor, nn

from snadnet.faces.defaults import CROP_SIZE
from snadnet.size_rule import ANY_SIZE, SizeRule

Task = Literal["deblurring", "parsing"]
Role = Literal["ours", "baseline", "reference"]


@dataclass(frozen=True)
class ValueRange:
    """The values that a network works on; ``Restorer`` maps to them and back."""

    low: float
    high: float

    def from_unit(self, images: Tensor) -> Tensor:
        """Map ``[0, 1]`` to this range."""
        return images if self == UNIT else images * (self.high - self.low) + self.low

    def to_unit(self, images: Tensor) -> Tensor:
        """Map this range to ``[0, 1]``."""
        return images if self == UNIT else (images - self.low) / (self.high - self.low)

    def __str__(self) -> str:
        return f"[{self.low:g}, {self.high:g}]"


UNIT: Final = ValueRange(0.0, 1.0)
SIGNED: Final = ValueRange(-1.0, 1.0)


@dataclass(frozen=True)
class ModelDescriptor:
    """A registered network.

    The network that ``build`` makes takes RGB ``(B, 3, H, W)`` in ``values``, of the sizes that ``size`` allows. For
    ``"deblurring"`` its output is the restored image in the same range and shape, or a named tuple whose field
    ``restored`` is that, and whose field ``parsing``, if it has one, is class probabilities ``(B, 19, H, W)``; what
    training compares with the sharp image, if that is more than ``restored``, is its ``supervised``. For ``"parsing"``
    it is logits ``(B, 19, H, W)``.

    Attributes:
        name: What it is called on the command line and in weights files.
        task: What it does.
        role: ``"ours"``, a ``"baseline"`` of the paper, or a ``"reference"`` that this project adds.
        paper: Authors and title of where it was published.
        year: When it was published.
        licence: The terms of the code and weights that the authors released; our own code is under MIT.
        build: Makes the untrained network; calling it touches neither the disk nor the network.
        size: The sizes it takes; all others from 32 px are padded by reflection and the result cropped.
        crop_size: Side in pixels of the face crops that it is made for.
        values: The range it works in.
    """

    name: str
    task: Task
    role: Role
    paper: str
    year: int
    licence: str
    build: Callable[[], nn.Module]
    size: SizeRule = ANY_SIZE
    crop_size: int = CROP_SIZE
    values: ValueRange = UNIT
