"""Peak memory of reading, restoring and writing one photo, by its size and its number of faces.

The photos are made of the portraits in ``examples/portraits`` (public domain) on grey and saved as JPEG: one portrait
as high as the photo, or 5 x 4 of them. Each is done in a fresh process.

Example: ``python benchmarks/photo_memory.py``
"""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from fresh_process import restore_in_fresh_process
from snadnet.environment import run_header
from snadnet.errors import SnadnetError
from snadnet.inference import resolve_weights

PORTRAITS = Path(__file__).parents[1] / "examples" / "portraits"
SIZES = ((4000, 3000), (6000, 4000), (8660, 5772))  # 12, 24 and 50 megapixels; 50 is the limit
GRIDS = ((1, 1), (5, 4))  # portraits across and down


def main(*, weights: Annotated[Path | None, typer.Option(help="An ONNX file; else the released one.")] = None) -> None:
    """Print a table, a line a photo."""
    path = resolve_weights(weights)
    print(run_header(["snadnet", "onnxruntime", "numpy", "opencv-python-headless", "pillow"]))
    print(f"weights: {path} ({path.stat().st_size / 1e6:.2f} MB); read, restored and written, on the CPU")
    print("\n| photo | faces shown | faces restored | peak memory |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        photo, output = Path(folder) / "photo.jpg", Path(folder) / "restored.jpg"
        for size in SIZES:
            for grid in GRIDS:
                tiled(size, grid).save(photo, quality=90)
                cost = restore_in_fresh_process(photo, path, output)
                output.unlink()
                print(
                    f"| {size[0]} x {size[1]} ({size[0] * size[1] / 1e6:.0f} Mpx) | {grid[0] * grid[1]} |"
                    f" {cost.faces} | {cost.peak / 1e6:.0f} MB |",
                    flush=True,
                )


def tiled(size: tuple[int, int], grid: tuple[int, int]) -> Image.Image:
    """A grey image with a grid of portraits, each as large as its cell allows."""
    image = Image.new("RGB", size, (120, 120, 120))
    # The astronaut's image shows her small; the others are heads and shoulders.
    portraits = [Image.open(file).convert("RGB") for file in sorted(PORTRAITS.glob("[!a]*.jpg"))]
    across, down = size[0] // grid[0], size[1] // grid[1]
    for index in range(grid[0] * grid[1]):
        portrait = portraits[index % len(portraits)]
        scale = min(across / portrait.width, down / portrait.height)
        scaled = portrait.resize((int(portrait.width * scale), int(portrait.height * scale)), Image.Resampling.BICUBIC)
        row, column = divmod(index, grid[0])
        image.paste(scaled, (column * across + (across - scaled.width) // 2, row * down))
    return image


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
