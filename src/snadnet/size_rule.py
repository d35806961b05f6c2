"""The image sizes that a network takes, known to training (PyTorch) and to the runtime alike."""

from dataclasses import dataclass
from typing import Final, NamedTuple

SMALLEST_SIDE: Final = 32
"""Every model takes any height and width from this many pixels up."""


class Padding(NamedTuple):
    """Rows and columns to add at the bottom and the right of an image.

    Attributes:
        mirrored: Those next to the image, which mirror it without repeating its edge; they reach no further than the
            image itself.
        repeated: Those beyond, which repeat the edge.
    """

    mirrored: tuple[int, int]
    repeated: tuple[int, int]


def unpadded(side: int, padded: int, made: int) -> int:
    """How many rows or columns of what a network makes of a padded image belong to the image.

    Args:
        side: The image's, before it was padded.
        padded: The padded image's.
        made: Those of what the network makes, which may be of another size.
    """
    return -(-side * made // padded)


@dataclass(frozen=True)
class SizeRule:
    """The image sizes that a network takes without padding, in pixels.

    Attributes:
        height_multiple: Heights are multiples of this.
        width_multiple: Widths are multiples of this.
        smallest: No side is below this.
    """

    height_multiple: int = 1
    width_multiple: int = 1
    smallest: int = SMALLEST_SIDE

    @classmethod
    def multiple_of(cls, side: int, *, smallest: int = SMALLEST_SIDE) -> "SizeRule":
        """Both sides are multiples of ``side`` and at least ``smallest``."""
        return cls(side, side, smallest)

    def padded(self, height: int, width: int) -> tuple[int, int]:
        """The smallest size from ``height`` x ``width`` up that the network takes."""
        rows, columns = max(height, self.smallest), max(width, self.smallest)
        return rows + -rows % self.height_multiple, columns + -columns % self.width_multiple

    def padding(self, height: int, width: int) -> Padding:
        """How an image of ``height`` x ``width`` is brought to ``padded(height, width)``."""
        rows, columns = self.padded(height, width)
        down, right = rows - height, columns - width
        mirrored = min(down, height - 1), min(right, width - 1)
        return Padding(mirrored, (down - mirrored[0], right - mirrored[1]))

    def __str__(self) -> str:
        if self.height_multiple == self.width_multiple:
            rule = "any" if self.height_multiple == 1 else f"{self.height_multiple}n"
        else:
            rule = f"{self.height_multiple}n x {self.width_multiple}n"
        return rule if self.smallest <= SMALLEST_SIDE else f"{rule}, from {self.smallest}"


ANY_SIZE: Final = SizeRule()
