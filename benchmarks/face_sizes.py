"""Recall of the face detector by the size of faces and photos, and the time of a search.

Groups are made up of the heads in ``examples/portraits``, each scaled so that the detector's box is as wide as asked
for, on a background of coarse shapes and fine grain.

Example: ``python benchmarks/face_sizes.py --megapixels 1.5 --megapixels 12 --size 24 --size 60``
"""

import time
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from snadnet.environment import run_header
from snadnet.faces import Box, FaceDetector
from snadnet.faces.types import common_area

PORTRAITS = Path(__file__).parents[1] / "examples" / "portraits"
FACES = 15  # in a group
AGREEMENT = 0.3  # intersection over union of a face and the box found
SURROUNDINGS = 0.6  # of the face's width, what is cut around it


def main(
    *,
    megapixels: Annotated[list[float], typer.Option(help="Sizes of the photos; repeatable.")] = [1.5, 12, 24, 48],  # noqa: B006
    size: Annotated[list[int], typer.Option(help="Widths of the faces in pixels; repeatable.")] = [24, 32, 60, 120],  # noqa: B006
    blur: Annotated[int, typer.Option(min=1, help="Length of a blur along the rows, as a percentage of the face.")] = 1,
    groups: Annotated[int, typer.Option(min=1, help="Groups of each.")] = 1,
) -> None:
    """Print a table: faces found of those shown, others found, and the seconds of a search."""
    detector = FaceDetector()
    heads = [_head(detector, file) for file in sorted(PORTRAITS.glob("*.jpg"))]
    print(run_header(["snadnet", "opencv-python-headless", "numpy"]))
    print(f"{groups} group(s) of {FACES} faces each, blur of {blur} % of the face's width")
    print("\n| photo | face | found | others | seconds |\n|---|---|---|---|---|")
    for millions in megapixels:
        for width in size:
            found = others = 0
            start = time.perf_counter()
            spent = 0.0
            for seed in range(groups):
                photo, truth = _group(heads, millions, width, blur, seed)
                start = time.perf_counter()
                boxes = [face.box for face in detector.detect(photo)]
                spent += time.perf_counter() - start
                found += sum(any(_agree(box, true) for box in boxes) for true in truth)
                others += sum(not any(_agree(box, true) for true in truth) for box in boxes)
            cells = f"{millions:g} Mpx | {width} px | {found} of {FACES * groups} | {others} | {spent / groups:.1f}"
            print(f"| {cells} |", flush=True)


def _head(detector: FaceDetector, file: Path) -> tuple[NDArray[np.uint8], Box]:
    """The head in a portrait, and the box of its face in it."""
    pixels = np.asarray(Image.open(file).convert("RGB"))
    x, y, w, h = detector.detect(pixels)[0].box
    margin = SURROUNDINGS * w
    left, top = max(0, int(x - margin)), max(0, int(y - margin))
    return pixels[top : int(y + h + margin), left : int(x + w + margin)], (x - left, y - top, w, h)


def _group(
    heads: list[tuple[NDArray[np.uint8], Box]], millions: float, width: int, blur: int, seed: int
) -> tuple[NDArray[np.uint8], list[Box]]:
    """A photo of 4:3 with heads in the cells of a grid, and the boxes of their faces."""
    rng = np.random.default_rng(seed)
    across = round((millions * 1e6 * 4 / 3) ** 0.5)
    down = round(across * 3 / 4)
    coarse = rng.integers(40, 200, (9, 12, 3), dtype=np.uint8)
    photo = np.asarray(cv2.resize(coarse, (across, down), interpolation=cv2.INTER_CUBIC), np.uint8).copy()
    cv2.add(photo, rng.integers(0, 12, photo.shape, dtype=np.uint8), dst=photo)
    columns, rows = 5, 3
    truth = []
    for index in range(FACES):
        pixels, (x, y, w, h) = heads[index % len(heads)]
        scale = width / w
        size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        small = cv2.blur(small, (max(1, round(width * blur / 100)), 1))
        row, column = divmod(index, columns)
        left = int(column * across / columns + rng.uniform(0, max(1, across / columns - size[0])))
        top = int(row * down / rows + rng.uniform(0, max(1, down / rows - size[1])))
        place = photo[top : top + size[1], left : left + size[0]]
        place[:] = small[: place.shape[0], : place.shape[1]]
        truth.append((left + x * scale, top + y * scale, w * scale, h * scale))
    return photo, truth


def _agree(first: Box, second: Box) -> bool:
    common = common_area(first, second)
    return common > AGREEMENT * (first[2] * first[3] + second[2] * second[3] - common)


if __name__ == "__main__":
    typer.run(main)
