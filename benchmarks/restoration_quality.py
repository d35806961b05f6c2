"""PSNR, SSIM and L1 % of a released network under the paper's protocols, beside its blurred input.

Example: ``python benchmarks/restoration_quality.py --faces data/ffhq --last 200``
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from snadnet.data.protocols import PROTOCOLS
from snadnet.errors import SnadnetError
from snadnet.evaluation.score import kernel_size_table, score_method, score_table
from snadnet.evaluation.setting import last_pictures, run_header
from snadnet.network import Device, RestorationNetwork
from snadnet.weights import released_weights


class ProtocolChoice(StrEnum):
    """The protocols that can be asked for."""

    CELEBA = "celeba"
    CELEBA_HQ = "celeba-hq"
    SHARP = "sharp"
    ALL = "all"


def main(
    *,
    faces: Annotated[Path, typer.Option(help="Folder of sharp, square face crops, 256 px or more.")],
    last: Annotated[int, typer.Option(min=1, help="Score the last N faces by name.")] = 200,
    weights: Annotated[Path | None, typer.Option(help="An ONNX file; else the released one.")] = None,
    protocol: Annotated[ProtocolChoice, typer.Option(help="The blur to score under.")] = ProtocolChoice.ALL,
    batch_size: Annotated[int, typer.Option(min=1, help="Faces restored at once.")] = 4,
    device: Annotated[Device, typer.Option(help="Where the network runs.")] = "auto",
) -> None:
    """Score a network's restored faces, and say how its gain depends on the size of the kernel."""
    chosen = [each for each in PROTOCOLS.values() if protocol in (ProtocolChoice.ALL, each.name)]
    path = released_weights() if weights is None else weights
    network = RestorationNetwork(path, device=device)
    pictures = last_pictures(faces, last)
    print(run_header(["snadnet", "onnxruntime", "numpy", "torchmetrics"]))
    print(f"weights: {path} ({path.stat().st_size / 1e6:.2f} MB) on {network.device}")
    print(f"faces: {len(pictures)} of {faces}, {pictures[0].name} to {pictures[-1].name}")
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for each in chosen:
            task = progress.add_task(each.name, total=len(pictures))

            def restore(blurred: NDArray[np.float32], task: int = int(task)) -> NDArray[np.float32]:
                restored, _ = network(blurred)
                progress.advance(task, len(blurred))  # type: ignore[arg-type]
                return restored

            scores = score_method(restore, pictures, each, name=path.stem, batch_size=batch_size)
            print(f"\n{score_table([scores])}")
            if each.blur is not None and len({each.blur.kernel_size(i) for i in range(len(pictures))}) > 1:
                print(f"\n{kernel_size_table(scores)}")


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
