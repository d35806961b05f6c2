"""Mean IoU of one or two face parsers on sharp and on blurred faces (the claim of the paper's Fig. 7).

Example: ``python benchmarks/parsing_quality.py --images celebamask/images --labels celebamask/labels
--parser sharp.safetensors --other fine-tuned.safetensors``
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track
from torch import nn

from snadnet.data.protocols import PROTOCOLS, blurred_pair
from snadnet.errors import DataError, SnadnetError
from snadnet.evaluation.setting import last_pictures, run_header
from snadnet.faces.classes import NUM_CLASSES
from snadnet.metrics.segmentation import ConfusionMatrix
from snadnet.models import load_network


@dataclass(frozen=True)
class MeasuredParser:
    """A parser and what it called the pixels of the sharp and of the blurred faces."""

    name: str
    network: nn.Module
    sharp: ConfusionMatrix = field(default_factory=ConfusionMatrix)
    blurred: ConfusionMatrix = field(default_factory=ConfusionMatrix)

    def update(self, blurred: NDArray[np.float32], sharp: NDArray[np.float32], labels: torch.Tensor) -> None:
        """Parse one face, blurred and sharp, each (H, W, 3), against its labels (1, H, W)."""
        both = torch.from_numpy(np.stack([blurred, sharp]).transpose(0, 3, 1, 2)).to(labels.device)
        predicted = self.network(both).argmax(dim=1)
        self.blurred.update(predicted[:1], labels)
        self.sharp.update(predicted[1:], labels)


def main(
    *,
    images: Annotated[Path, typer.Option(help="Folder of sharp, square face crops.")],
    labels: Annotated[Path, typer.Option(help="Folder of label PNGs (class ids 0 to 18), named as the images.")],
    parser: Annotated[Path, typer.Option(help="A parser's .safetensors file.")],
    other: Annotated[Path | None, typer.Option(help="A second parser to compare with.")] = None,
    last: Annotated[int, typer.Option(min=1, help="Score the last N faces by name.")] = 200,
    protocol: Annotated[str, typer.Option(help=f"One of: {', '.join(PROTOCOLS)}.")] = "celeba",
    device: Annotated[str, typer.Option(help="A PyTorch device.")] = "cpu",
) -> None:
    """Score parsers on the same faces, sharp and blurred, both at the protocol's size."""
    if protocol not in PROTOCOLS:
        raise typer.BadParameter(f"choose one of: {', '.join(PROTOCOLS)}", param_hint="--protocol")
    blur = PROTOCOLS[protocol]
    files = [parser] if other is None else [parser, other]
    measured = [MeasuredParser(file.name, load_network(file).to(device).eval()) for file in files]
    pictures = last_pictures(images, last)
    print(run_header(["snadnet", "torch", "torchmetrics"]))
    print(f"faces: {len(pictures)} of {images}, {pictures[0].name} to {pictures[-1].name}")
    print(f"protocol of the blurred faces: {blur}; labels by nearest neighbour")
    print("mIoU: pixels pooled over the faces, mean over the classes that occur, left and right merged\n")
    with torch.inference_mode():
        numbered = enumerate(pictures)
        for index, picture in track(numbered, "parsing", len(pictures), console=Console(stderr=True), transient=True):
            blurred, sharp = blurred_pair(picture, blur, index)
            true = _read_labels(labels / f"{picture.stem}.png", blur.size).to(device)
            for each in measured:
                each.update(blurred, sharp, true)
    _print_tables(measured)


def _read_labels(path: Path, size: int) -> torch.Tensor:
    """The class ids of a label picture at a size, int64 (1, size, size)."""
    try:
        with Image.open(path) as opened:
            ids = np.asarray(opened.resize((size, size), Image.Resampling.NEAREST))
    except OSError as error:
        raise DataError(f"{path}: cannot be read as a label picture ({error}); add or replace it") from error
    if ids.ndim != 2 or ids.max() >= NUM_CLASSES:
        raise DataError(f"{path}: give one channel of class ids 0 to {NUM_CLASSES - 1}")
    return torch.from_numpy(ids.astype(np.int64))[None]


def _print_tables(measured: list[MeasuredParser]) -> None:
    width = max(len(each.name) for each in measured)
    print(f"{'':{width}}  mIoU sharp  mIoU blurred")
    for each in measured:
        sharp = each.sharp.mean_iou(merge_left_right=True)
        blurred = each.blurred.mean_iou(merge_left_right=True)
        print(f"{each.name:{width}}  {sharp:10.4f}  {blurred:12.4f}")
    columns = "".join(f"  {f'sharp {n}':>9}  {f'blurred {n}':>9}" for n in range(1, len(measured) + 1))
    print(f"\n{'class IoU':24}{columns}")
    rows = zip(
        *(matrix.class_ious(merge_left_right=True) for each in measured for matrix in (each.sharp, each.blurred)),
        strict=True,
    )
    for row in rows:
        print(f"{row[0].name:24}" + "".join(f"  {scored.iou:9.4f}" for scored in row))


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
