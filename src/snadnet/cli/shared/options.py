"""Options that several verbs share: one word means one thing in all of them."""

import math
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from snadnet.cli.shared.completion import complete_configs, complete_parsers, complete_weights
from snadnet.environment import available_cores
from snadnet.faces.defaults import CROP_SIZE, LARGE_CROP_SIZE, MAX_EFFORT, Light
from snadnet.inference import Device, TorchDevice
from snadnet.inference.releases import Task
from snadnet.photo import MAX_FILE_BYTES, MAX_PIXELS, Limits

_MILLION: Final = 1_000_000
# Who gives pixels or bytes where millions are asked for would lift the limit without knowing.
_MOST_MEGAPIXELS: Final = 10_000
_MOST_MEGABYTES: Final = 100_000

LIMITS_PANEL: Final = "Limits"


def output_option(description: str, *, metavar: str | None = None) -> Any:  # noqa: ANN401 - as typer.Option itself
    """``--output``, ``-o``: the file or folder that the verb writes.

    Args:
        description: What is written, as ``--help`` says it.
        metavar: What stands for the value, such as "DIR"; "PATH" if left out.
    """
    return typer.Option("--output", "-o", metavar=metavar, help=description)


EffortOption = Annotated[
    int,
    typer.Option(
        min=1,
        max=MAX_EFFORT,
        help="2 goes one pass further, a little nearer the truth (weights without it: the mean with the mirror image); "
        "3 does both. Half as long again, and three times.",
    ),
]
LightOption = Annotated[
    Light,
    typer.Option(
        help="What blur is taken for: linear, one of light, as cameras blur; srgb, one of the file's values, as "
        "programs do; auto, whichever explains a face better.",
    ),
]
MaxCropOption = Annotated[
    int,
    typer.Option(
        "--max-crop",
        min=CROP_SIZE,
        max=LARGE_CROP_SIZE,
        metavar="PX",
        help="Largest crop in which a face is restored, where the weights have a network for large faces; with 256 one "
        "takes half of the time, and less memory.",
        rich_help_panel=LIMITS_PANEL,
    ),
]


def weights_option(description: str, *, task: Task = "deblurring", default: str | None = None) -> Any:  # noqa: ANN401 - as typer.Option itself
    """``--weights``: a released name or a file, as `snadnet.inference.load_model` takes it.

    Args:
        description: What the weights are for, as ``--help`` says it.
        task: What the network does; the shell offers the released names of that.
        default: What is taken if it is left out, as ``--help`` says it.
    """
    return typer.Option(
        "--weights",
        metavar="NAME|FILE",
        help=description,
        show_default=default or True,
        autocompletion=complete_weights if task == "deblurring" else complete_parsers,
    )


OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace existing output files.")]
DeviceOption = Annotated[
    TorchDevice,
    typer.Option("--device", help="Where networks run: auto is CUDA where there is one, and the CPU elsewhere."),
]
GraphDeviceOption = Annotated[
    Device,
    typer.Option(
        "--device",
        help="Where the network runs: auto is CUDA where there is one, and the CPU elsewhere; see snadnet devices.",
    ),
]
WorkersOption = Annotated[
    int, typer.Option("--workers", min=1, max=256, metavar="N", help="Faces that are worked on at a time.")
]
DEFAULT_WORKERS: Final = available_cores()
ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="YAML file with the settings; see configs/.",
        autocompletion=complete_configs,
    ),
]


def finite(value: float) -> float:
    """Refuses "nan" and "inf", which are numbers to click and pass its range check."""
    if not math.isfinite(value):
        raise typer.BadParameter("must be a finite number")
    return value


def positive(value: float) -> float:
    """Refuses what is less than one millionth, and what is no number."""
    if finite(value) * _MILLION < 1:
        raise typer.BadParameter("must be more than 0")
    return value


MaxPixels = Annotated[
    float,
    typer.Option(
        max=_MOST_MEGAPIXELS,
        metavar="MPX",
        callback=positive,
        help="Refuse larger images, in millions of pixels; asked before any is decoded.",
        rich_help_panel=LIMITS_PANEL,
    ),
]
MaxFileSize = Annotated[
    float,
    typer.Option(
        max=_MOST_MEGABYTES,
        metavar="MB",
        callback=positive,
        help="Refuse larger files, in millions of bytes; asked before they are read.",
        rich_help_panel=LIMITS_PANEL,
    ),
]
DEFAULT_MAX_PIXELS: Final = MAX_PIXELS / _MILLION
DEFAULT_MAX_FILE_SIZE: Final = MAX_FILE_BYTES / _MILLION


def limits(max_pixels: float, max_file_size: float) -> Limits:
    """The limits that the two options give."""
    return Limits(max_file_bytes=round(max_file_size * _MILLION), max_pixels=round(max_pixels * _MILLION))
