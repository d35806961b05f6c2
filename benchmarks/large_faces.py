"""Large faces: how a face of 512 px comes back at its own size, beside the same face at 256 px.

Example: ``python benchmarks/large_faces.py data/large --noise 0.01``
"""

import sys
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from snadnet import Deblurrer, read_photo
from snadnet.blur import add_noise, apply_kernel, trajectory_kernel
from snadnet.data.image_folder import list_faces
from snadnet.errors import DataError, SnadnetError
from snadnet.faces import LARGE_CROP_SIZE
from snadnet.image_arrays import to_float
from snadnet.tables import Document, Table

SIDE = 512
HEADINGS = (
    "kernel",
    "blurred",
    "restored",
    "what 256 px can hold",
    "blurred, 256 px",
    "restored, 256 px",
    "difference",
)


def main(
    *,
    faces: Annotated[Path, typer.Argument(help="A folder of sharp, aligned faces of 512 px.")],
    weights: Annotated[str, typer.Option(help="Released name or file.")] = "fidelity",
    sizes: Annotated[list[int], typer.Option("--kernel", help="Sides of trajectories in pixels; repeatable.")] = [  # noqa: B006
        29,
        47,
        69,
    ],
    noise: Annotated[float, typer.Option(min=0.0, help="Its standard deviation, of values in [0, 1].")] = 0.01,
    seed: Annotated[int, typer.Option(help="Of kernels and noise.")] = 0,
    max_crop: Annotated[int, typer.Option(help="Largest crop that a face is restored in.")] = LARGE_CROP_SIZE,
) -> None:
    """Print a row a kernel size, mean PSNR in dB, and what the gain at 512 px lacks of that at 256 px."""
    deblurrer = Deblurrer(weights=weights, max_crop=max_crop, light="srgb")  # as the kernels blur here
    files = [face.image for face in list_faces(faces)]
    rows = []
    for size in sizes:
        scores = np.array([_scores(deblurrer, file, size, noise, seed + number) for number, file in enumerate(files)])
        mean = scores.mean(axis=0)
        rows.append((f"{size} px", *(f"{value:.2f}" for value in mean), f"{mean[1] - mean[4]:+.2f}"))
    blur = f"noise {noise:g}, seed {seed}"
    header = (f"{len(files)} faces of {faces}, weights {weights}, crops of {max_crop} px at most, {blur}",)
    print(Document(header, (Table("Large faces, PSNR in dB", HEADINGS, tuple(rows)),)).to_markdown())


def _scores(deblurrer: Deblurrer, file: Path, size: int, noise: float, seed: int) -> tuple[float, ...]:
    sharp = to_float(read_photo(file).pixels)
    if sharp.shape[:2] != (SIDE, SIDE):
        raise DataError(f"{file}: is {sharp.shape[1]} x {sharp.shape[0]} px; give faces of {SIDE} px")
    blurred = add_noise(apply_kernel(sharp, trajectory_kernel(size, seed=seed)), noise, seed)
    small, small_sharp = _reduced(blurred), _reduced(sharp)
    return (
        psnr(blurred, sharp),
        psnr(_restored(deblurrer, blurred), sharp),
        psnr(np.asarray(cv2.resize(small_sharp, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.float32), sharp),
        psnr(small, small_sharp),
        psnr(_restored(deblurrer, small), small_sharp),
    )


def _restored(deblurrer: Deblurrer, image: NDArray[np.float32]) -> NDArray[np.float32]:
    pixels = np.round(image.clip(0.0, 1.0) * 255.0).astype(np.uint8)
    return to_float(deblurrer.restore_aligned(pixels).photo.pixels)


def _reduced(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(image, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA), np.float32)


def psnr(image: NDArray[np.float32], sharp: NDArray[np.float32]) -> float:
    """In dB, of values in [0, 1]; what lies beyond is clipped."""
    return float(-10.0 * np.log10(np.mean((image.clip(0.0, 1.0) - sharp) ** 2)))


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
