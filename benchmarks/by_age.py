"""Who is restored how well: gains by age, on photos of faces whose names tell it (All-Age-Faces: ``...A07.jpg``).

Example: ``python benchmarks/by_age.py data/allage --protocol celeba --last 200``
"""

import hashlib
import re
import sys
import tempfile
from bisect import bisect_left
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from large_faces import psnr
from snadnet import Deblurrer, read_photo
from snadnet.data.protocols import PROTOCOLS, Protocol, blurred_pair
from snadnet.errors import DataError, SnadnetError
from snadnet.faces import FaceDetector, crop_face, face_matrix
from snadnet.image_arrays import to_float
from snadnet.tables import Document, Table

OLDEST: Final = (6, 12, 19, 39, 59)
GROUPS: Final = ("up to 6", "7 to 12", "13 to 19", "20 to 39", "40 to 59", "60 and older")
HEADINGS: Final = ("age", "faces", "blurred", "restored", "gain", "least gain")
AGE: Final = re.compile(r"A(\d{2})$")


def main(
    *,
    photos: Annotated[Path, typer.Argument(help="A folder of photos of one face each, of any framing.")],
    weights: Annotated[str, typer.Option(help="Released name or file.")] = "fidelity",
    protocol: Annotated[str, typer.Option(help="How they are blurred.")] = "celeba",
    last: Annotated[int, typer.Option(min=1, help="How many, the last by the SHA-256 of their names.")] = 200,
) -> None:
    """Print a row an age group, mean PSNR in dB. Photos in which no face is found are counted and left out."""
    chosen = sorted(photos.glob("*.jpg"), key=lambda path: hashlib.sha256(path.name.encode()).hexdigest())[-last:]
    if not chosen:
        raise DataError(f"{photos}: holds no .jpg photos; give a folder of them")
    deblurrer, detector = Deblurrer(weights=weights, light="srgb"), FaceDetector()
    scores: dict[str, list[tuple[float, float]]] = {group: [] for group in GROUPS}
    lost = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, photo in enumerate(chosen):
            crop = _crop(detector, photo)
            if crop is None:
                lost += 1
                continue
            path = Path(folder) / f"{photo.stem}.png"
            Image.fromarray(crop).save(path)
            scores[GROUPS[bisect_left(OLDEST, _age(photo))]].append(
                _scores(deblurrer, path, PROTOCOLS[protocol], number)
            )
    rows = [_row(group, np.array(values)) for group, values in scores.items() if values]
    rows.append(_row("all", np.array([pair for values in scores.values() for pair in values])))
    header = (f"{PROTOCOLS[protocol]}; {len(chosen) - lost} of the last {last} photos of {photos}, weights {weights}",)
    print(Document(header, (Table("By age, PSNR in dB", HEADINGS, tuple(rows)),)).to_markdown())


def _age(photo: Path) -> int:
    found = AGE.search(photo.stem)
    if found is None:
        raise DataError(f"{photo}: its name does not end in an age; it should look like 00001A07.jpg")
    return int(found[1])


def _crop(detector: FaceDetector, photo: Path) -> NDArray[np.uint8] | None:
    """The canonical crop of the largest face; None if none is found."""
    pixels = read_photo(photo).pixels
    faces = detector.detect(pixels)
    if not faces:
        return None
    face = max(faces, key=lambda each: each.box[2] * each.box[3])
    crop = crop_face(pixels, face_matrix(face.landmarks))
    return np.round(crop * 255.0).astype(np.uint8)


def _scores(deblurrer: Deblurrer, image: Path, protocol: Protocol, number: int) -> tuple[float, float]:
    blurred, sharp = blurred_pair(image, protocol, number)
    restored = to_float(deblurrer.restore_aligned(blurred).photo.pixels)
    return psnr(blurred, sharp), psnr(restored, sharp)


def _row(group: str, scores: NDArray[np.float64]) -> tuple[str, ...]:
    before, after = scores.mean(axis=0)
    gains = scores[:, 1] - scores[:, 0]
    return (group, str(len(scores)), f"{before:.2f}", f"{after:.2f}", f"{after - before:+.2f}", f"{gains.min():+.2f}")


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
