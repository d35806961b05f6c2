"""The paper's figures, drawn from our own results: Fig. 6 (regions), 7 (parsing) and 8 to 13 (comparisons)."""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from snadnet.errors import ConfigError
from snadnet.evaluation.figures.image_grid import Cell, Region, draw_sheet
from snadnet.evaluation.instruments import Fidelity, parsed
from snadnet.evaluation.methods import Method
from snadnet.evaluation.test_set import FaceTestSet, ScoredFace
from snadnet.faces import CROP_SIZE, TEMPLATE, FaceDetector
from snadnet.faces.classes import NUM_CLASSES, REGIONS
from snadnet.inference import load_parser
from snadnet.models import load_network
from snadnet.models.snadnet import SNADNet

REGION_TITLES: Final = {"facial": "facial parts", "skin": "skin", "hair": "hair", "back": "background"}

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


def chosen_faces(test_set: FaceTestSet, names: Sequence[str], count: int) -> list[ScoredFace]:
    """The faces of these names, or ``count`` of them spread over the test set.

    Raises:
        ConfigError: There is no face of a name.
        DataError: A face cannot be read.
    """
    for name in names:
        if name not in test_set.names:
            raise ConfigError(f"{test_set.source}: has no face {name!r}; its first is {test_set.names[0]!r}")
    count = min(count, len(test_set))
    numbers = [test_set.names.index(name) for name in names] or [n * len(test_set) // count for n in range(count)]
    return [test_set.read(number) for number in numbers]


def comparison(methods: Sequence[Method], faces: Sequence[ScoredFace]) -> NDArray[np.uint8]:
    """Blurred face, what each method makes of it, and sharp face, with eyes and mouth enlarged and PSNR below.

    Args:
        methods: The columns between the blurred and the sharp face.
        faces: A row each.

    Returns:
        The sheet, uint8 RGB.
    """
    detector = FaceDetector()
    rows = []
    for face in faces:
        regions = eyes_and_mouth(face.sharp, detector)
        fidelity = Fidelity().against([face])
        pictures = [face.blurred, *(method.restore([face.name], face.blurred[None])[0] for method in methods)]
        scores = [float(fidelity(picture[None])[0][0]) for picture in pictures]
        captions = [f"{psnr:.2f} dB" if isfinite(psnr) else "equal" for psnr in scores]
        row = [Cell(picture, caption, regions) for picture, caption in zip(pictures, captions, strict=True)]
        rows.append([*row, Cell(face.sharp, face.name, regions)])
    return draw_sheet(["blurred", *(method.name for method in methods), "sharp"], rows)


def regions(faces: Sequence[ScoredFace], parser: Path, *, device: torch.device) -> NDArray[np.uint8]:
    """Sharp faces beside the four regions of the reconstruction loss (Fig. 6), white on black.

    The regions are those of the faces' labels; of what the parser sees where a face has none.

    Args:
        faces: A row each.
        parser: Its ``.safetensors`` file.
        device: Where it runs.

    Returns:
        The sheet, uint8 RGB.
    """
    network = load_parser(parser, "cpu").to(device)
    rows = []
    for face in faces:
        labels = face.labels if face.labels is not None else parsed(network, face.sharp, device)[0].numpy()
        masks = [np.isin(labels, REGIONS[name]) for name in REGION_TITLES]
        white = [np.repeat(mask[..., None], 3, axis=2).astype(np.uint8) * np.uint8(255) for mask in masks]
        rows.append([Cell(face.sharp), *(Cell(mask, smooth=False) for mask in white)])
    return draw_sheet(["sharp", *REGION_TITLES.values()], rows)


def parsing(faces: Sequence[ScoredFace], before: Path, after: Path, *, device: torch.device) -> NDArray[np.uint8]:
    """Parsing of blurred faces before and after fine-tuning, beside that of the sharp face (Fig. 7).

    Args:
        faces: A row each.
        before: A parser trained on sharp faces, which also parses the sharp face (``.safetensors``).
        after: The fine-tuned parser, or a SNADNet that holds it.
        device: Where they run.

    Returns:
        The sheet, uint8 RGB.
    """
    networks = [_parser_within(path).to(device) for path in (before, after)]
    rows = []
    for face in faces:
        seen = [(networks[0], face.blurred), (networks[1], face.blurred), (networks[0], face.sharp)]
        maps = [coloured(parsed(network, picture, device)[0].numpy()) for network, picture in seen]
        rows.append([Cell(face.blurred), *(Cell(each, smooth=False) for each in maps), Cell(face.sharp)])
    return draw_sheet(["blurred", "before fine-tuning", "after fine-tuning", "of the sharp face", "sharp"], rows)


def coloured(labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Class ids (H, W) as a picture, uint8 RGB (H, W, 3); unknown pixels are grey."""
    colours = np.full((256, 3), _UNKNOWN_COLOUR, np.uint8)
    colours[:NUM_CLASSES] = CLASS_COLOURS
    return np.asarray(colours[labels], np.uint8)


def eyes_and_mouth(sharp: NDArray[np.uint8], detector: FaceDetector) -> tuple[Region, Region]:
    """The parts of an aligned face, uint8 RGB (S, S, 3), that are worth a closer look.

    Where the detector sees no face they are the places of the canonical crop.
    """
    found = max(detector.detect(sharp), key=lambda face: face.box[2] * face.box[3], default=None)
    points = TEMPLATE * (sharp.shape[0] / CROP_SIZE) if found is None else found.landmarks
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    distance = float(np.linalg.norm(points[1] - points[0]))
    return (float(eyes[0]), float(eyes[1]), 1.9 * distance), (float(mouth[0]), float(mouth[1]), 1.5 * distance)


def _parser_within(path: Path) -> torch.nn.Module:
    """The parser of a weights file: itself, or that of a SNADNet."""
    network = load_network(path)
    return network.parser if isinstance(network, SNADNet) else load_parser(path, "cpu")
