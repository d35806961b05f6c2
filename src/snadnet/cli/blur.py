"""``snadnet blur``: blur a photo with a motion-blur kernel, to see what the network has to undo."""

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from snadnet.blur import (
    Border,
    add_noise,
    apply_kernel,
    kernel_to_image,
    linear_kernel,
    rotating_blur,
    trajectory_kernel,
)
from snadnet.cli.deblur.naming import refuse_to_replace
from snadnet.cli.shared.options import DEFAULT_MAX_FILE_SIZE, DEFAULT_MAX_PIXELS, MaxFileSize, MaxPixels, finite, limits
from snadnet.photo import photo_from_array, printable, read_photo, write_photo

# Larger kernels have no use and would only exhaust the memory.
_MAX_KERNEL = 1001
# A kernel of 27 pixels is hard to see: its image is enlarged to at least about this.
_KERNEL_IMAGE_SIDE = 256


class KernelKind(StrEnum):
    """The kernels of docs/research/paper.md, Blur."""

    linear = "linear"
    trajectory = "trajectory"


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise typer.BadParameter(f"must be odd, such as {value + 1}")
    return value


def _exposure(value: float) -> float:
    if not 0 < value <= 1:
        raise typer.BadParameter("must be above 0 and at most 1")
    return value


def blur(
    photo: Annotated[Path, typer.Argument(metavar="IN", help="The photo to blur.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="The blurred photo.")],
    kernel: Annotated[
        KernelKind, typer.Option(help="A straight line, or the path of a shaken camera.")
    ] = KernelKind.trajectory,
    length: Annotated[
        float,
        typer.Option(
            min=1,
            max=_MAX_KERNEL,
            callback=finite,
            help="Length of the line in pixels.",
            rich_help_panel="Linear kernel",
        ),
    ] = 25.0,
    angle: Annotated[
        float,
        typer.Option(
            callback=finite,
            help="Direction in degrees, counter-clockwise from the x axis.",
            rich_help_panel="Linear kernel",
        ),
    ] = 45.0,
    size: Annotated[
        int,
        typer.Option(
            min=1,
            max=_MAX_KERNEL,
            callback=_odd,
            help="Side of the kernel in pixels, odd.",
            rich_help_panel="Trajectory kernel",
        ),
    ] = 27,
    exposure: Annotated[
        float,
        typer.Option(
            callback=_exposure,
            help="Fraction of the path that is exposed, above 0 and up to 1.",
            rich_help_panel="Trajectory kernel",
        ),
    ] = 1.0,
    rotation: Annotated[
        float,
        typer.Option(
            min=0,
            max=180,
            callback=finite,
            help="Largest turn of the camera about the photo's centre in degrees, along the path: the blur then "
            "varies over the photo.",
            rich_help_panel="Trajectory kernel",
        ),
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Number that fixes the camera's path and the noise.")] = 0,
    noise: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            callback=finite,
            help="Standard deviation of added Gaussian noise; 1 is the step from black to white.",
        ),
    ] = 0.0,
    border: Annotated[Border, typer.Option(help="How the photo goes on outside.")] = "reflect",
    save_kernel: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Also save the kernel (of a rotating camera: the centre's), enlarged, as a grey image.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing output files. The input is never replaced.")
    ] = False,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    max_file_size: MaxFileSize = DEFAULT_MAX_FILE_SIZE,
) -> None:
    """Blur a photo as a moving camera does, to see what deblurring has to undo."""
    if save_kernel is not None and save_kernel.absolute() == output.absolute():
        raise typer.BadParameter("the kernel's picture and the blurred photo need two names")
    if rotation and kernel is KernelKind.linear:
        raise typer.BadParameter("only a trajectory rotates; leave out --kernel linear", param_hint="--rotation")
    refuse_to_replace([photo], [output, *([] if save_kernel is None else [save_kernel])])
    weights = (
        linear_kernel(length, angle)
        if kernel is KernelKind.linear
        else trajectory_kernel(size, exposure=exposure, seed=seed)
    )
    original = read_photo(photo, limits=limits(max_pixels, max_file_size))
    # First the kernel: if its file cannot be written, nothing was done yet.
    if save_kernel is not None:
        write_photo(photo_from_array(_enlarged(kernel_to_image(weights))), save_kernel, overwrite=overwrite)
    sharp = original.pixels.astype(np.float32) / 255
    if rotation:
        blurred = rotating_blur(sharp, size, max_rotation_degrees=rotation, exposure=exposure, seed=seed, border=border)
    else:
        blurred = apply_kernel(sharp, weights, border=border)
    noisy = add_noise(blurred, noise, seed)
    write_photo(original.with_pixels(np.rint(noisy * 255).astype(np.uint8)), output, overwrite=overwrite)
    side = weights.shape[0]
    turned = f", turned by up to {rotation:g} degrees" if rotation else ""
    typer.echo(
        f"{printable(photo)} -> {printable(output)}: {kernel.value} kernel of {side} x {side} px{turned}, "
        f"noise {noise:g}"
    )


def _enlarged(kernel_image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    factor = math.ceil(_KERNEL_IMAGE_SIDE / max(kernel_image.shape))
    return np.asarray(cv2.resize(kernel_image, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST))
