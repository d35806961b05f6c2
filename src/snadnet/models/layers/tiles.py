"""Cutting images into a grid of tiles and joining them again, for networks that work on patches."""

from typing import NamedTuple

from torch import Tensor


class Grid(NamedTuple):
    """How many tiles an image is cut into, down and across."""

    rows: int
    columns: int


def split_tiles(images: Tensor, grid: Grid) -> Tensor:
    """Cut ``(B, C, H, W)`` into tiles ``(B * rows * columns, C, H / rows, W / columns)``.

    The tiles of one image follow each other, row by row. Sides must be multiples of the grid's.
    """
    batch, channels, height, width = images.shape
    rows, columns = grid
    tiles = images.reshape(batch, channels, rows, height // rows, columns, width // columns)
    return tiles.permute(0, 2, 4, 1, 3, 5).reshape(-1, channels, height // rows, width // columns)


def join_tiles(tiles: Tensor, grid: Grid) -> Tensor:
    """Join tiles ``(B * rows * columns, C, h, w)`` to ``(B, C, rows * h, columns * w)``: undoes the cutting."""
    _, channels, height, width = tiles.shape
    rows, columns = grid
    images = tiles.reshape(-1, rows, columns, channels, height, width)
    return images.permute(0, 3, 1, 4, 2, 5).reshape(-1, channels, rows * height, columns * width)
