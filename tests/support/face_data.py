"""A miniature data set of faces with label maps, made of shapes, for tests of data and training."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image


def make_faces(folder: Path, count: int, size: int = 64) -> tuple[Path, Path]:
    """Draw ``count`` faces (background, skin, eyes, hair) and return the image and the label folder."""
    images, labels = folder / "images", folder / "labels"
    images.mkdir(parents=True)
    labels.mkdir()
    for number in range(count):
        rng = np.random.default_rng(number)
        classes = np.zeros((size, size), dtype=np.uint8)
        centre = (size // 2 + int(rng.integers(-3, 4)), size // 2)
        cv2.circle(classes, (centre[0], centre[1] - size // 8), size // 3, 13, -1)
        cv2.circle(classes, centre, size // 4, 1, -1)
        cv2.circle(classes, (centre[0] - size // 9, centre[1] - size // 12), size // 16, 4, -1)
        cv2.circle(classes, (centre[0] + size // 9, centre[1] - size // 12), size // 16, 5, -1)
        colours = rng.integers(0, 256, (19, 3))
        picture = colours[classes] + rng.integers(-8, 9, (size, size, 3))
        Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(images / f"{number:03d}.png")
        Image.fromarray(classes).save(labels / f"{number:03d}.png")
    return images, labels
