"""What SNADNet sees and makes: blurred face, its parsing, the restored and the sharp face (paper, Fig. 11)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snadnet.errors import ModelError
from snadnet.evaluation.figures.image_grid import Cell, draw_grid
from snadnet.evaluation.figures.parsing import colour_classes
from snadnet.image_arrays import to_float, to_uint8
from snadnet.inference import Device, load_model
from snadnet.metrics.base import ScoredFace


def draw_restoration(faces: Sequence[ScoredFace], network: str | Path, *, device: Device = "auto") -> NDArray[np.uint8]:
    """Draw each blurred face, the parsing map that the network takes it by, the restored and the sharp face.

    Args:
        faces: A row each.
        network: A name or file that `snadnet.inference.load_model` takes, of a network that parses faces.
        device: Where it runs.

    Returns:
        The image grid, uint8 RGB.

    Raises:
        WeightsError: If the file is missing or damaged.
        ModelError: If the network parses no faces, or the device is not there.
    """
    model = load_model(network, device)
    rows = []
    for face in faces:
        crops = model(to_float(face.blurred[None]))
        if crops.parsing is None:
            raise ModelError(f"{network}: parses no faces; give a SNADNet, or draw it by: snadnet figure comparison")
        classes = colour_classes(crops.parsing[0].argmax(axis=2))
        rows.append(
            [
                Cell(face.blurred),
                Cell(classes, smooth=False),
                Cell(to_uint8(crops.restored[0])),
                Cell(face.sharp, face.name),
            ]
        )
    return draw_grid(["blurred", "parsing", "restored", "sharp"], rows)
