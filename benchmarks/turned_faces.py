"""Detection of faces that are upright, on their side or upside down, and whether their crops are upright.

Each of ``examples/portraits`` is tilted, turned by right angles and blurred along the photo's rows.

Example: ``python benchmarks/turned_faces.py``
"""

from pathlib import Path

import cv2
import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from snadnet.environment import run_header
from snadnet.faces import FaceDetector, face_matrix

PORTRAITS = Path(__file__).parents[1] / "examples" / "portraits"
BLURS = (1, 15, 25)  # pixels
TURNS = {"upright": 0, "left side": 1, "upside down": 2, "right side": 3}
TILTS = (-30, -15, 0, 15, 30)  # degrees
RIGHT_WAY = 25  # degrees


def main() -> None:
    """Print a table: right crops and wrong ones of so many portraits."""
    portraits = [np.asarray(Image.open(file).convert("RGB")) for file in sorted(PORTRAITS.glob("*.jpg"))]
    detector = FaceDetector()
    print(run_header(["snadnet", "opencv-python-headless", "numpy"]))
    print(f"portraits: {len(portraits)}, each at tilts of {', '.join(map(str, TILTS))} degrees")
    print(f"\n| blur | {' | '.join(TURNS)} |\n|---|{'---|' * len(TURNS)}")
    for length in BLURS:
        cells = []
        for turn in TURNS.values():
            right = wrong = 0
            for portrait in portraits:
                for tilt in TILTS:
                    errors = _errors(detector, _disturbed(portrait, length, turn, tilt), 90 * turn + tilt)
                    right += any(error <= RIGHT_WAY for error in errors)
                    wrong += sum(error > RIGHT_WAY for error in errors)
            cells.append(f"{right} of {len(portraits) * len(TILTS)}, {wrong} wrong")
        print(f"| {length} px | {' | '.join(cells)} |", flush=True)


def _disturbed(portrait: NDArray[np.uint8], length: int, turn: int, tilt: float) -> NDArray[np.uint8]:
    height, width = portrait.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), tilt, 1)
    tilted = cv2.warpAffine(portrait, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    turned = np.ascontiguousarray(np.rot90(tilted, turn))
    return np.asarray(cv2.blur(turned, (length, 1)), np.uint8)


def _errors(detector: FaceDetector, pixels: NDArray[np.uint8], angle: float) -> list[float]:
    """By how many degrees the crop of each face that is found differs from upright."""
    errors = []
    for face in detector.detect(pixels):
        matrix = face_matrix(detector.refine(pixels, face).landmarks)
        found = np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))
        errors.append(abs((found - angle + 180) % 360 - 180))
    return errors


if __name__ == "__main__":
    typer.run(main)
