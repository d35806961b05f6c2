"""Which faces the options choose."""

import typer

from snadnet.errors import ConfigError
from snadnet.faces import AllFaces, FaceBox, FaceChoice, FaceNumber, LargestFace


def face_choice(face: str | None, box: str | None, *, aligned: bool) -> FaceChoice:
    """What ``--face`` and ``--box`` mean.

    Args:
        face: "all", "largest" or a number from 1, or None if not given.
        box: "x,y,width,height" in pixels, or None if not given.
        aligned: whether no faces are looked for.

    Raises:
        typer.BadParameter: one of them cannot be understood, or they contradict each other.
    """
    if sum((face is not None, box is not None, aligned)) > 1:
        raise typer.BadParameter("give one of --face, --box and --aligned", param_hint="--face")
    if box is not None:
        return _box(box)
    match face:
        case None | "all":
            return AllFaces()
        case "largest":
            return LargestFace()
    # Not isdigit alone, which holds for digits that int does not read.
    if not (face.isascii() and face.isdigit()):
        raise typer.BadParameter(f"{face!r} is no choice; give all, largest or a number from 1", param_hint="--face")
    try:
        return FaceNumber(int(face))
    except (ConfigError, ValueError) as error:  # int refuses thousands of digits
        raise typer.BadParameter(str(error), param_hint="--face") from error


def _box(text: str) -> FaceBox:
    parts = text.split(",")
    try:
        x, y, width, height = (float(part) for part in parts)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is no box; give x,y,width,height in pixels, such as 120,80,64,64", param_hint="--box"
        ) from error
    try:
        return FaceBox(x, y, width, height)
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint="--box") from error
