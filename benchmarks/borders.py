"""PSNR by how a blurred face continues beyond its edges: the test protocols mirror it, a photo goes on.

Example: ``python benchmarks/borders.py data/ffhq --last 200``
"""

import sys
from pathlib import Path
from typing import Annotated, TypeAlias, get_args

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from snadnet.blur import Border, apply_kernel
from snadnet.data.blurs import TrajectoryBlur
from snadnet.data.image_folder import list_faces, split_by_name
from snadnet.data.protocols import CELEBA, recorded, sharp_face
from snadnet.errors import SnadnetError
from snadnet.inference import OnnxBackend, resolve_weights
from snadnet.metrics.fidelity import psnr

Image: TypeAlias = NDArray[np.float32]

MARGIN = 20
"""Pixels of surroundings around a face of the protocol's size; no kernel reaches further."""


def main(
    *,
    faces: Annotated[Path, typer.Argument(help="A folder of aligned faces of 200 px or more.")],
    weights: Annotated[Path | None, typer.Option(help="An ONNX file; else the released one.")] = None,
    last: Annotated[int, typer.Option(min=1, help="So many faces, the last by name.")] = 200,
) -> None:
    """Print PSNR before and after: the CelebA protocol's kernels and noise on the middle of each face."""
    network = OnnxBackend(resolve_weights(weights), device="cpu")
    blur = CELEBA.blur
    assert isinstance(blur, TrajectoryBlur)
    print(f"{CELEBA}; {last} faces of {CELEBA.size + 2 * MARGIN} px, {MARGIN} px cut off on each side")
    chosen = split_by_name(list_faces(faces, None), last)[1]
    wholes = [sharp_face(face.image, CELEBA.size + 2 * MARGIN) for face in chosen]
    for border in get_args(Border):
        blurred = [apply_kernel(_inside(whole), blur.kernel(i), border=border) for i, whole in enumerate(wholes)]
        _report(network, border, wholes, blurred)
    _report(network, "surroundings", wholes, [_inside(blur.apply(whole, i)) for i, whole in enumerate(wholes)])


def _report(network: OnnxBackend, name: str, wholes: list[Image], blurred: list[Image]) -> None:
    scores = []
    for index, (whole, image) in enumerate(zip(wholes, blurred, strict=True)):
        seen = recorded(image, CELEBA, index)
        scores.append([_psnr(face, _inside(whole)) for face in (seen, network(seen[None])[0][0])])
    before, after = np.mean(scores, axis=0)
    print(f"{name:>12}: {before:.2f} dB -> {after:.2f} dB ({after - before:+.2f})", flush=True)


def _inside(whole: Image) -> Image:
    return whole[MARGIN:-MARGIN, MARGIN:-MARGIN]


def _psnr(image: Image, sharp: Image) -> float:
    tensors = (torch.from_numpy(np.ascontiguousarray(part.transpose(2, 0, 1)[None])) for part in (image, sharp))
    return float(psnr(*tensors))


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
