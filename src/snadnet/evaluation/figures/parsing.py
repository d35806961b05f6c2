"""Face parsing of blurred faces before and after fine-tuning (paper, Fig. 7)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import nn

from snadnet.evaluation.figures.image_grid import Cell, draw_grid
from snadnet.faces.classes import NUM_CLASSES
from snadnet.inference import Device, load_parser, resolve_weights
from snadnet.inference.torch_backend import torch_device
from snadnet.metrics.base import ScoredFace
from snadnet.metrics.parsing import parse
from snadnet.models import Restorer, read_model
from snadnet.models.snadnet import SNADNet

_UNKNOWN_COLOUR: Final = (128, 128, 128)
# Neighbouring classes differ in hue or brightness; left and right are one hue in two shades.
CLASS_COLOURS: Final = (
    (0, 0, 0),
    (236, 188, 150),
    (200, 120, 80),
    (120, 220, 240),
    (30, 80, 220),
    (90, 140, 255),
    (110, 60, 20),
    (160, 100, 50),
    (240, 150, 190),
    (250, 190, 215),
    (255, 255, 255),
    (220, 30, 60),
    (150, 0, 40),
    (90, 60, 120),
    (250, 210, 0),
    (0, 200, 160),
    (180, 220, 60),
    (255, 220, 190),
    (40, 140, 60),
)


def draw_parsing(
    faces: Sequence[ScoredFace], before: str | Path, after: str | Path, *, device: Device = "auto"
) -> NDArray[np.uint8]:
    """Draw the parsing of each blurred face before and after fine-tuning, beside that of the sharp face.

    Args:
        faces: A row each.
        before: A parser trained on sharp faces, which also parses the sharp face: a released name or a
            ``.safetensors`` file.
        after: The fine-tuned parser, or a SNADNet that holds it.
        device: Where they run.

    Returns:
        The image grid, uint8 RGB.

    Raises:
        WeightsError: If a file is missing or damaged.
        ModelError: If one is neither a parser nor a SNADNet, or the device is not there.
    """
    first, second = (_parser_within(weights, device) for weights in (before, after))
    rows = []
    for face in faces:
        seen = [(first, face.blurred), (second, face.blurred), (first, face.sharp)]
        maps = [colour_classes(parse(network, image)[0].numpy()) for network, image in seen]
        rows.append([Cell(face.blurred), *(Cell(each, smooth=False) for each in maps), Cell(face.sharp)])
    return draw_grid(["blurred", "before fine-tuning", "after fine-tuning", "of the sharp face", "sharp"], rows)


def colour_classes(labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return class ids (H, W) as an image, uint8 RGB (H, W, 3); unknown pixels are grey."""
    colours = np.full((256, 3), _UNKNOWN_COLOUR, np.uint8)
    colours[:NUM_CLASSES] = CLASS_COLOURS
    return np.asarray(colours[labels], np.uint8)


def _parser_within(weights: str | Path, device: Device) -> nn.Module:
    """Return the parser of a weights file: itself, or that of a SNADNet."""
    path = resolve_weights(weights, task="parsing")
    if path.suffix.lower() == ".safetensors":
        model = read_model(path)
        core = model.core if isinstance(model, Restorer) else model
        if isinstance(core, SNADNet) and core.parser is not None:
            return core.parser.to(torch_device(device))
    return load_parser(path, device)
