"""Image grids: images in rows and columns with heads and captions, as PNG, JPEG or PDF."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from snadnet.errors import ConfigError
from snadnet.files import write_atomically

SUFFIXES: Final = (".png", ".jpg", ".pdf")
INSET_COLOURS: Final = ((230, 60, 40), (40, 120, 230))
OUTLINE: Final = (150, 150, 150)

_GAP: Final = 6
_FONT_SIZE: Final = 16
_LINE: Final = 22
_INSETS: Final = 2
_DOTS_PER_INCH: Final = 200

Region = tuple[float, float, float]
"""Centre x, centre y and width of a part of an image in its pixels; it is half as high as it is wide."""


@dataclass(frozen=True, eq=False)
class Cell:
    """One image of a grid.

    Attributes:
        image: uint8 RGB (H, W, 3), square.
        caption: A line below it, or nothing.
        regions: Two parts to be framed, and shown enlarged below the image; or none.
        smooth: Enlarge by bicubic interpolation, the same for all; else by repeating pixels, as masks need it.
    """

    image: NDArray[np.uint8]
    caption: str = ""
    regions: tuple[Region, ...] = ()
    smooth: bool = True


def draw_grid(heads: Sequence[str], rows: Sequence[Sequence[Cell]], *, side: int = 256) -> NDArray[np.uint8]:
    """Draw cells in rows under the heads of their columns.

    Args:
        heads: A word above each column.
        rows: The cells; each row is as long as ``heads``.
        side: Width in pixels at which every image is shown.

    Returns:
        The image grid, uint8 RGB, white where there is nothing.
    """
    font = ImageFont.load_default(_FONT_SIZE)
    inset = side // (2 * _INSETS) + _GAP if any(cell.regions for row in rows for cell in row) else 0
    caption = _LINE if any(cell.caption for row in rows for cell in row) else 0
    height = side + inset + caption + _GAP
    grid = Image.new("RGB", (len(heads) * (side + _GAP) + _GAP, _LINE + _GAP + len(rows) * height), "white")
    pen = ImageDraw.Draw(grid)
    for column, head in enumerate(heads):
        pen.text((_GAP + column * (side + _GAP) + side / 2, _LINE / 2), head, fill="black", font=font, anchor="mm")
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            x, y = _GAP + column * (side + _GAP), _LINE + number * height
            _draw_cell(grid, cell, (x, y), side)
            if cell.caption:
                place = (x + side / 2, y + side + inset + _LINE / 2)
                pen.text(place, cell.caption, fill="black", font=font, anchor="mm")
    return np.asarray(grid)


def write_grid(grid: NDArray[np.uint8], path: Path) -> None:
    """Write an image grid as PNG, as JPEG of quality 90, or as a PDF of one page (JPEG of quality 95 within).

    Raises:
        ConfigError: If the file's ending is another.
        OSError: If it cannot be written.
    """
    file = io.BytesIO()
    image = Image.fromarray(grid)
    match path.suffix.lower():
        case ".png":
            image.save(file, "PNG", dpi=(_DOTS_PER_INCH, _DOTS_PER_INCH))
        case ".jpg":
            image.save(file, "JPEG", quality=90, subsampling=0, dpi=(_DOTS_PER_INCH, _DOTS_PER_INCH))
        case ".pdf":
            image.save(file, "PDF", resolution=_DOTS_PER_INCH, quality=95, subsampling=0)
        case _:
            raise ConfigError(f"{path}: a figure is PNG, JPEG or PDF; end the name with {' or '.join(SUFFIXES)}")
    write_atomically(path, file.getvalue())


def _draw_cell(grid: Image.Image, cell: Cell, place: tuple[int, int], side: int) -> None:
    image = Image.fromarray(cell.image)
    shown = image.resize((side, side), Image.Resampling.BICUBIC if cell.smooth else Image.Resampling.NEAREST)
    scale = side / image.width
    width = (side - _GAP) // _INSETS
    pen = ImageDraw.Draw(shown)
    for number, (region, colour) in enumerate(zip(cell.regions, INSET_COLOURS, strict=False)):
        box = _box(region, image.size)
        enlarged = image.resize((width, side // (2 * _INSETS)), Image.Resampling.BICUBIC, box=box)
        ImageDraw.Draw(enlarged).rectangle((0, 0, enlarged.width - 1, enlarged.height - 1), outline=colour, width=2)
        grid.paste(enlarged, (place[0] + number * (width + _GAP), place[1] + side + _GAP))
        pen.rectangle([edge * scale for edge in box], outline=colour, width=2)
    # Around the image, not in it: a mask that is white up to its border would else have none on white paper.
    x, y = place
    ImageDraw.Draw(grid).rectangle((x - 1, y - 1, x + side, y + side), outline=OUTLINE)
    grid.paste(shown, place)


def _box(region: Region, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the region's left, top, right and bottom, moved into the image where it would reach over its border."""
    x, y, width = region
    width = min(width, size[0], 2 * size[1])
    left = min(max(x - width / 2, 0), size[0] - width)
    top = min(max(y - width / 4, 0), size[1] - width / 2)
    return left, top, left + width, top + width / 2
