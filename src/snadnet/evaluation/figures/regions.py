"""Sharp faces beside the four regions of the reconstruction loss (paper, Fig. 6)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from snadnet.evaluation.figures.image_grid import Cell, draw_grid
from snadnet.faces.classes import REGIONS
from snadnet.inference import Device, load_parser
from snadnet.metrics.base import ScoredFace
from snadnet.metrics.parsing import parse

REGION_TITLES: Final = {"facial": "facial parts", "skin": "skin", "hair": "hair", "back": "background"}


def draw_regions(
    faces: Sequence[ScoredFace], parser: str | Path | None = None, *, device: Device = "auto"
) -> NDArray[np.uint8]:
    """Draw each sharp face beside its regions, white on black.

    The regions are those of the faces' labels; of what the parser sees where a face has none.

    Args:
        faces: A row each.
        parser: A name or file that ``snadnet.inference.load_parser`` takes.
        device: Where it runs.

    Returns:
        The image grid, uint8 RGB.

    Raises:
        WeightsError: If the parser's file is missing or damaged.
        ModelError: If it is not a parser, or the device is not there.
    """
    network = load_parser(parser, device)
    rows = []
    for face in faces:
        labels = face.labels if face.labels is not None else parse(network, face.sharp)[0].numpy()
        masks = [np.isin(labels, REGIONS[name]) for name in REGION_TITLES]
        white = [np.repeat(mask[..., None], 3, axis=2).astype(np.uint8) * np.uint8(255) for mask in masks]
        rows.append([Cell(face.sharp), *(Cell(mask, smooth=False) for mask in white)])
    return draw_grid(["sharp", *REGION_TITLES.values()], rows)
