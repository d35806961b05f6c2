"""Make the README's image from the results of ``make demo``: blurred, deblurred and original photos in three rows.

make demo && python tools/readme_picture.py
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

ROOT = Path(__file__).parents[1]
HEIGHT = 275
TARGET = ROOT / "docs" / "figures" / "before_after.jpg"


def montage(
    names: Annotated[list[str], typer.Argument(help="Photos of examples/portraits/, without ending.")],
    output: Annotated[Path, typer.Option(help="The image to write.")] = TARGET,
) -> None:
    """Put each named photo into a column: blurred, deblurred, original."""
    columns = []
    for name in names:
        paths = (
            ROOT / "demo_output" / "blurred" / f"{name}.png",
            ROOT / "demo_output" / "restored" / f"{name}.png",
            ROOT / "examples" / "portraits" / f"{name}.jpg",
        )
        columns.append(np.concatenate([_at_height(path) for path in paths]))
    Image.fromarray(np.concatenate(columns, axis=1)).save(output, quality=90)
    typer.echo(f"{output}: written")


def _at_height(path: Path) -> np.ndarray:
    with Image.open(path) as photo:
        width = round(photo.width * HEIGHT / photo.height)
        return np.asarray(photo.convert("RGB").resize((width, HEIGHT), Image.Resampling.LANCZOS))


if __name__ == "__main__":
    typer.run(montage)
