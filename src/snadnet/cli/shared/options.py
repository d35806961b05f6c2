"""Options that several verbs share."""

import math
from typing import Annotated, Final

import typer

from snadnet.photo import MAX_FILE_BYTES, MAX_PIXELS, Limits

_MILLION: Final = 1_000_000
# Who gives pixels or bytes where millions are asked for would lift the limit without knowing.
_MOST_MEGAPIXELS: Final = 10_000
_MOST_MEGABYTES: Final = 100_000

LIMITS_PANEL: Final = "Limits"


def finite(value: float) -> float:
    """Refuses "nan" and "inf", which are numbers to click and pass its range check."""
    if not math.isfinite(value):
        raise typer.BadParameter("must be a finite number")
    return value


def _positive(value: float) -> float:
    if finite(value) * _MILLION < 1:
        raise typer.BadParameter("must be more than 0")
    return value


MaxPixels = Annotated[
    float,
    typer.Option(
        max=_MOST_MEGAPIXELS,
        metavar="MPX",
        callback=_positive,
        help="Refuse larger pictures, in millions of pixels; asked before any is decoded.",
        rich_help_panel=LIMITS_PANEL,
    ),
]
MaxFileSize = Annotated[
    float,
    typer.Option(
        max=_MOST_MEGABYTES,
        metavar="MB",
        callback=_positive,
        help="Refuse larger files, in millions of bytes; asked before they are read.",
        rich_help_panel=LIMITS_PANEL,
    ),
]
DEFAULT_MAX_PIXELS: Final = MAX_PIXELS / _MILLION
DEFAULT_MAX_FILE_SIZE: Final = MAX_FILE_BYTES / _MILLION


def limits(max_pixels: float, max_file_size: float) -> Limits:
    """The limits that the two options give."""
    return Limits(max_file_bytes=round(max_file_size * _MILLION), max_pixels=round(max_pixels * _MILLION))
