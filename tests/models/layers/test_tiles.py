"""Cutting images into tiles."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snadnet.models.layers.tiles import Grid, join_tiles, split_tiles


@settings(deadline=None, max_examples=30)
@given(*(st.integers(1, 4) for _ in range(5)))
def test_joining_undoes_splitting(batch: int, rows: int, columns: int, height: int, width: int) -> None:
    images = torch.rand(batch, 2, rows * height, columns * width)
    tiles = split_tiles(images, Grid(rows, columns))
    assert tiles.shape == (batch * rows * columns, 2, height, width)
    assert torch.equal(join_tiles(tiles, Grid(rows, columns)), images)


def test_tiles_of_an_image_follow_each_other_row_by_row() -> None:
    images = torch.rand(2, 3, 4, 6)
    tiles = split_tiles(images, Grid(2, 2))
    assert torch.equal(tiles[1], images[0, :, :2, 3:])
    assert torch.equal(tiles[2], images[0, :, 2:, :3])
    assert torch.equal(tiles[4], images[1, :, :2, :3])
