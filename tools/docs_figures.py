"""Redraw the figures of docs/figures/ from the portraits of examples/ and the released networks.

python tools/docs_figures.py

Each command is printed as it is run. Other networks stand beside the released one with, for example,
``--method snadnet-small-full --method MPRNet=runs/mprnet/weights.safetensors``.
"""

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer

ROOT: Final = Path(__file__).parents[1]
PORTRAITS: Final = ROOT / "examples" / "portraits"


def draw(
    methods: Annotated[list[str], typer.Option("--method", help="Columns of the comparisons; repeatable.")] = [  # noqa: B006
        "snadnet-small-full"
    ],
    output: Annotated[Path, typer.Option(help="Folder of the figures.")] = ROOT / "docs" / "figures",
) -> None:
    """Align the portraits at 160 px, and draw all figures from them."""
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # The portraits' faces span 190 px and more in FFHQ's framing: enough for 160 px, not for 256.
        _snadnet("prepare", "folder", PORTRAITS, "--size", 160, "-o", folder)
        faces = Path(folder) / "images"
        comparison = ("figure", "comparison", *methods, "--overwrite")
        three = ("--count", 3, "--overwrite")
        _snadnet("figure", "regions", "--on", f"celeba:{faces}", *three, "-o", output / "regions.png")
        _snadnet("figure", "parsing", "--on", f"celeba:{faces}", *three, "-o", output / "parsing.jpg")
        for name, images, count in (("celeba", faces, 4), ("rotating", faces, 2), ("mspl", PORTRAITS, 4)):
            target = output / f"comparison-{name}.jpg"
            _snadnet(*comparison, "--on", f"{name}:{images}", "--count", count, "-o", target)


def _snadnet(*words: object) -> None:
    """Run a command of this project, or stop at its error."""
    arguments = [str(word) for word in words]
    print(f"$ snadnet {shlex.join(arguments)}", flush=True)
    done = subprocess.run([sys.executable, "-m", "snadnet", *arguments], check=False)
    if done.returncode:
        raise typer.Exit(done.returncode)


if __name__ == "__main__":
    typer.run(draw)
