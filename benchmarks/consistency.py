"""What the consistency of a restored face is worth: does what it leaves unexplained tell its true error?

Example: ``python benchmarks/consistency.py data/ffhq --count 100``
"""

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from scipy.stats import spearmanr

from snadnet import Deblurrer
from snadnet.data.image_folder import list_faces, split_by_name
from snadnet.data.protocols import PROTOCOLS, blurred_pair
from snadnet.errors import ConfigError, SnadnetError
from snadnet.image_arrays import to_float
from snadnet.tables import Document, Table

HEADINGS = ("protocol", "blurred", "rank correlation", "worst tenth found", "well", "partly", "hardly")
WORDS = ("well", "partly", "hardly")


def main(
    *,
    faces: Annotated[Path, typer.Argument(help="A folder of aligned faces.")],
    weights: Annotated[str, typer.Option(help="fidelity, natural, or a weights file.")] = "fidelity",
    protocols: Annotated[list[str], typer.Option("--protocol")] = ["celeba", "celeba-hq", "rotating"],  # noqa: B006
    last: Annotated[int, typer.Option(min=1, help="So many faces, the last by name, are held out.")] = 200,
    count: Annotated[int, typer.Option(min=10, help="How many of them, evenly by name.")] = 100,
) -> None:
    """Print a row a protocol, and one of all faces together.

    The rank correlation is that of the excess with the root mean square error of the restored face. Of the tenth of
    faces with the largest error, the share is told that is among the tenth with the largest excess. For each of the
    words: the share of faces of which it is said, and their mean PSNR in dB.
    """
    deblurrer = Deblurrer(weights=weights)
    held_out = split_by_name(list_faces(faces), last)[1]
    chosen = [held_out[index * last // count].image for index in range(count)]
    rows, everything = [], []
    for name in protocols:
        measured = [_measured(deblurrer, image, name, number) for number, image in enumerate(chosen)]
        everything += measured
        rows.append(_row(name, np.array([values for values, _ in measured]), [word for _, word in measured]))
    rows.append(_row("together", np.array([values for values, _ in everything]), [word for _, word in everything]))
    header = (f"{count} of the last {last} faces of {faces}, weights {weights}",)
    print(Document(header, (Table("What the consistency is worth", HEADINGS, tuple(rows)),)).to_markdown())


def _measured(deblurrer: Deblurrer, image: Path, protocol: str, number: int) -> tuple[tuple[float, ...], str]:
    """PSNR of the blurred face, error of the restored one, and excess; and the word."""
    blurred, sharp = blurred_pair(image, PROTOCOLS[protocol], number)
    (face,) = (result := deblurrer.restore_aligned(blurred)).faces
    blur = face.blur
    if blur is None:
        raise ConfigError("the network estimates no blur; give weights of snadnet-small")
    error = _error(to_float(result.photo.pixels), sharp)
    return (_psnr(_error(blurred, sharp)), error, blur.consistency.excess), blur.explains


def _row(name: str, values: NDArray[np.float64], words: list[str]) -> tuple[str, ...]:
    before, error, excess = values.T
    tenth = max(1, len(error) // 10)
    worst, suspected = (set(np.argsort(-part)[:tenth].tolist()) for part in (error, excess))
    row = [
        name,
        f"{before.mean():.2f} dB",
        f"{spearmanr(excess, error).statistic:.2f}",
        f"{len(worst & suspected) / tenth:.0%}",
    ]
    for word in WORDS:
        of_word = np.array([each == word for each in words])
        quality = f", {np.mean([_psnr(each) for each in error[of_word]]):.2f} dB" if of_word.any() else ""
        row.append(f"{of_word.mean():.0%}{quality}")
    return tuple(row)


def _error(image: NDArray[np.float32], sharp: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(image - sharp))))


def _psnr(error: float) -> float:
    return -20.0 * float(np.log10(max(error, 1e-9)))


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
