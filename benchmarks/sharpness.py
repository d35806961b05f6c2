"""Fine detail of a sharp face that is left in its blurred image, and that networks restore.

Detail that is drawn but wrong counts as much as true detail: this stands beside PSNR, not in its place.

Example: ``python benchmarks/sharpness.py data/ffhq --last 200``
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from snadnet.data.image_folder import list_faces, split_by_name
from snadnet.data.protocols import PROTOCOLS, blurred_pair
from snadnet.errors import SnadnetError
from snadnet.faces import measure_sharpness
from snadnet.inference import load_model
from snadnet.inference.releases import WEIGHTS_BY_AIM


def main(
    *,
    faces: Annotated[Path, typer.Argument(help="A folder of aligned faces.")],
    protocols: Annotated[list[str], typer.Option("--protocol", help="How they are blurred.")] = ["celeba", "celeba-hq"],  # noqa: B006
    weights: Annotated[list[str], typer.Option(help="An aim or a file; repeatable.")] = list(WEIGHTS_BY_AIM),  # noqa: B006
    last: Annotated[int, typer.Option(min=1, help="So many faces, the last by name.")] = 200,
) -> None:
    """Print the mean sharpness of blurred, restored and sharp faces, and its share of the sharp ones'."""
    chosen = split_by_name(list_faces(faces, None), last)[1]
    networks = {name: load_model(name, "cpu") for name in weights}
    for protocol in (PROTOCOLS[name] for name in protocols):
        print(f"{protocol}; {last} faces")
        pairs = [blurred_pair(face.image, protocol, index) for index, face in enumerate(chosen)]
        sharp = _mean([pair[1] for pair in pairs])
        _report("blurred input", _mean([pair[0] for pair in pairs]), sharp)
        for name, network in networks.items():
            _report(name, _mean([network(blurred[None]).restored[0] for blurred, _ in pairs]), sharp)


def _mean(images: Sequence[NDArray[np.float32]]) -> float:
    return float(np.mean([measure_sharpness(image) for image in images]))


def _report(name: str, value: float, sharp: float) -> None:
    print(f"{name:>14}: {value:.2f}, {value / sharp:.0%} of the sharp faces'", flush=True)


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
