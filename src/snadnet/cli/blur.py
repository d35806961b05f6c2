"""``snadnet blur``: blur a photo with a motion-blur kernel, to see what the network has to undo."""

import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from snadnet.batch.naming import refuse_to_replace
from snadnet.blur import (
    Border,
    add_noise,
    apply_kernel,
    kernel_to_image,
    linear_kernel,
    rotating_blur,
    trajectory_kernel,
)
from snadnet.cli.shared.options import (
    DEFAULT_MAX_FILE_SIZE,
    DEFAULT_MAX_PIXELS,
    MaxFileSize,
    MaxPixels,
    finite,
    limits,
    output_option,
)
from snadnet.cli.shared.usage import usage_errors
from snadnet.image_arrays import Pixels, to_float, to_pixels
from snadnet.photo import photo_from_array, printable, read_photo, write_photo
from snadnet.srgb import decode_srgb, encode_srgb

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


_LINEAR: Final = "Linear kernel"
_TRAJECTORY: Final = "Trajectory kernel"

LengthOption = Annotated[
    float,
    typer.Option(
        min=1, max=_MAX_KERNEL, callback=finite, help="Length of the line in pixels.", rich_help_panel=_LINEAR
    ),
]
AngleOption = Annotated[
    float,
    typer.Option(
        callback=finite, help="Direction in degrees, counter-clockwise from the x axis.", rich_help_panel=_LINEAR
    ),
]
SizeOption = Annotated[
    int,
    typer.Option(
        min=1, max=_MAX_KERNEL, callback=_odd, help="Side of the kernel in pixels, odd.", rich_help_panel=_TRAJECTORY
    ),
]
ExposureOption = Annotated[
    float,
    typer.Option(
        callback=_exposure,
        help="Fraction of the path that is exposed, above 0 and up to 1.",
        rich_help_panel=_TRAJECTORY,
    ),
]
RotationOption = Annotated[
    float,
    typer.Option(
        min=0,
        max=180,
        callback=finite,
        help="Largest turn of the camera about the photo's centre in degrees, along the path: the blur then "
        "varies over the photo.",
        rich_help_panel=_TRAJECTORY,
    ),
]
NoiseOption = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        callback=finite,
        help="Standard deviation of added Gaussian noise; 1 is the step from black to white.",
    ),
]
SaveKernelOption = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Also save the kernel (of a rotating camera: the centre's), enlarged, as a grey image.",
    ),
]


@dataclass(frozen=True)
class _Motion:
    """The camera's motion and the noise, as the options give them."""

    kind: KernelKind
    length: float
    angle: float
    size: int
    exposure: float
    rotation: float
    seed: int
    noise: float
    border: Border
    linear_light: bool

    def kernel(self) -> NDArray[np.float32]:
        """Return the kernel; of a rotating camera, the centre's."""
        if self.kind is KernelKind.linear:
            return linear_kernel(self.length, self.angle)
        return trajectory_kernel(self.size, exposure=self.exposure, seed=self.seed)

    def blur(self, pixels: Pixels) -> Pixels:
        """Blur an image (H, W, 3) and add the noise."""
        sharp = to_float(pixels)
        if self.linear_light:
            sharp = decode_srgb(sharp)
        if self.rotation:
            blurred = rotating_blur(
                sharp,
                self.size,
                max_rotation_degrees=self.rotation,
                exposure=self.exposure,
                seed=self.seed,
                border=self.border,
            )
        else:
            blurred = apply_kernel(sharp, self.kernel(), border=self.border)
        if self.linear_light:
            blurred = encode_srgb(blurred)
        return to_pixels(add_noise(blurred, self.noise, self.seed), pixels.dtype)


@usage_errors()
def blur(
    photo: Annotated[Path, typer.Argument(metavar="IN", help="The photo to blur.")],
    *,
    output: Annotated[Path, output_option("The blurred photo.", metavar="OUT")],
    kernel: Annotated[
        KernelKind, typer.Option(help="A straight line, or the path of a shaken camera.")
    ] = KernelKind.trajectory,
    length: LengthOption = 25.0,
    angle: AngleOption = 45.0,
    size: SizeOption = 27,
    exposure: ExposureOption = 1.0,
    rotation: RotationOption = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Number that fixes the camera's path and the noise.")] = 0,
    noise: NoiseOption = 0.0,
    border: Annotated[Border, typer.Option(help="How the image goes on outside.")] = "reflect",
    linear_light: Annotated[
        bool, typer.Option("--linear-light", help="Blur the photo's light, as a camera does, and not its sRGB values.")
    ] = False,
    save_kernel: SaveKernelOption = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing output files. The input is never replaced.")
    ] = False,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    max_file_size: MaxFileSize = DEFAULT_MAX_FILE_SIZE,
) -> None:
    """Blur a photo as a moving camera does, to see what deblurring has to undo."""
    if save_kernel is not None and save_kernel.absolute() == output.absolute():
        raise typer.BadParameter("the kernel's image and the blurred photo need two names")
    if rotation and kernel is KernelKind.linear:
        raise typer.BadParameter("only a trajectory rotates; leave out --kernel linear", param_hint="--rotation")
    refuse_to_replace([photo], [output, *([] if save_kernel is None else [save_kernel])])
    motion = _Motion(kernel, length, angle, size, exposure, rotation, seed, noise, border, linear_light)
    weights = motion.kernel()
    original = read_photo(photo, limits=limits(max_pixels, max_file_size))
    # First the kernel: if its file cannot be written, nothing was done yet.
    if save_kernel is not None:
        write_photo(photo_from_array(_enlarged(kernel_to_image(weights))), save_kernel, overwrite=overwrite)
    write_photo(original.with_pixels(motion.blur(original.pixels)), output, overwrite=overwrite)
    side = weights.shape[0]
    turned = f", turned by up to {rotation:g} degrees" if rotation else ""
    typer.echo(
        f"{printable(photo)} -> {printable(output)}: {kernel.value} kernel of {side} x {side} px{turned}, "
        f"noise {noise:g}"
    )


def _enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    factor = math.ceil(_KERNEL_IMAGE_SIDE / max(image.shape))
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST))
