"""Which faces the options choose."""

from collections.abc import Callable, Sequence

import typer

from snadnet.batch.naming import Job
from snadnet.batch.options import DeblurOptions
from snadnet.errors import ConfigError
from snadnet.faces import AllFaces, FaceChoice, parse_box, parse_face
from snadnet.photo import printable


def face_choice(face: str | None, box: str | None, *, aligned: bool) -> FaceChoice:
    """Return the choice that ``--face`` and ``--box`` make.

    Args:
        face: "all", "largest" or a number from 1, or None if not given.
        box: "x,y,width,height" in pixels, or None if not given.
        aligned: Whether no faces are looked for.

    Raises:
        typer.BadParameter: If one of them cannot be understood, or they contradict each other.
    """
    if sum((face is not None, box is not None, aligned)) > 1:
        raise typer.BadParameter("give one of --face, --box and --aligned", param_hint="--face")
    if box is not None:
        return _parsed(parse_box, box, "--box")
    return AllFaces() if face is None else _parsed(parse_face, face, "--face")


def _parsed(parse: Callable[[str], FaceChoice], text: str, option: str) -> FaceChoice:
    try:
        return parse(text)
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def check_choice(jobs: Sequence[Job], options: DeblurOptions) -> None:
    """Refuse choices of faces that mean nothing for a clip.

    Raises:
        typer.BadParameter: If there is a clip among the jobs and such a choice.
    """
    clip = next((printable(job.source) for job in jobs if job.clip), None)
    if clip is not None and (options.aligned or not isinstance(options.choice, AllFaces)):
        raise typer.BadParameter(f"chooses in a photo, and {clip} is a clip; leave it out", param_hint="--face")
