"""Methods side by side (paper, Fig. 8 to 13)."""

from collections.abc import Sequence
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from snadnet.evaluation.figures.image_grid import Cell, Region, draw_grid
from snadnet.evaluation.methods import Method
from snadnet.faces import CROP_SIZE, TEMPLATE, FaceDetector
from snadnet.metrics.base import ScoredFace
from snadnet.metrics.fidelity import Fidelity
from snadnet.metrics.landmarks import largest_face


def draw_comparison(methods: Sequence[Method], faces: Sequence[ScoredFace]) -> NDArray[np.uint8]:
    """Draw blurred face, restored faces and sharp face in a row, with eyes and mouth enlarged and PSNR below.

    Args:
        methods: The columns between the blurred and the sharp face.
        faces: A row each.

    Returns:
        The image grid, uint8 RGB.
    """
    detector = FaceDetector()
    rows = []
    for face in faces:
        regions = eyes_and_mouth(face.sharp, detector)
        read = Fidelity().prepare([face])
        images = [face.blurred, *(method.restore([face.name], face.blurred[None])[0] for method in methods)]
        scores = [float(read(image[None])[0][0]) for image in images]
        captions = [f"{psnr:.2f} dB" if isfinite(psnr) else "equal" for psnr in scores]
        row = [Cell(image, caption, regions) for image, caption in zip(images, captions, strict=True)]
        rows.append([*row, Cell(face.sharp, face.name, regions)])
    return draw_grid(["blurred", *(method.name for method in methods), "sharp"], rows)


def eyes_and_mouth(sharp: NDArray[np.uint8], detector: FaceDetector) -> tuple[Region, Region]:
    """Return the regions of eyes and mouth in an aligned face, uint8 RGB (S, S, 3).

    Where the detector finds no face they are those of the canonical crop.
    """
    found = largest_face(detector, sharp)
    points = TEMPLATE * (sharp.shape[0] / CROP_SIZE) if found is None else found.landmarks
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    distance = float(np.linalg.norm(points[1] - points[0]))
    return (float(eyes[0]), float(eyes[1]), 1.9 * distance), (float(mouth[0]), float(mouth[1]), 1.5 * distance)
