"""Options of a request, which have the command's names, and answers that are files."""

import math
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from snadnet.errors import ConfigError
from snadnet.faces import AllFaces, FaceChoice, parse_box, parse_face
from snadnet.server.restoring import EncodedPhoto, Options

_FLAGS: Final = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_OPTIONS: Final = ("weights", "strength", "face", "box", "aligned", "strip_metadata", "as")


def file_response(file: EncodedPhoto, headers: dict[str, str] | None = None) -> Response:
    """A file to keep, under its name."""
    disposition = f"attachment; filename*=UTF-8''{quote(file.name)}"
    return Response(
        file.data, media_type=file.media_type, headers={"Content-Disposition": disposition, **(headers or {})}
    )


def options_of(request: Request) -> tuple[Options, str]:
    """The options of a query, which have the command's names.

    Raises:
        ConfigError: If one is unknown or out of range.
    """
    query = request.query_params
    unknown = [name for name in query if name not in _OPTIONS]
    if unknown:
        raise ConfigError(f"there is no option {unknown[0][:40]!r}; choose of: {', '.join(_OPTIONS)}")
    aligned = _flag(query.get("aligned"), "aligned")
    return (
        Options(
            strength=strength_of(query.get("strength")),
            choice=_choice(query.get("face"), query.get("box"), aligned=aligned),
            aligned=aligned,
            strip_metadata=_flag(query.get("strip_metadata"), "strip_metadata"),
        ),
        query.get("weights", ""),
    )


def _choice(face: str | None, box: str | None, *, aligned: bool) -> FaceChoice:
    if sum((face is not None, box is not None, aligned)) > 1:
        raise ConfigError("give one of face, box and aligned")
    if box is not None:
        return parse_box(box)
    return AllFaces() if face is None else parse_face(face)


def strength_of(text: str | None) -> float:
    """A strength as a query gives it.

    Raises:
        ConfigError: If it is no number from 0 to 1.
    """
    try:
        strength = 1.0 if text is None else float(text)
    except ValueError:
        strength = math.nan
    if not 0.0 <= strength <= 1.0:
        raise ConfigError(f"strength {str(text)[:40]!r} is out of range; give a number from 0 to 1")
    return strength


def _flag(text: str | None, name: str) -> bool:
    if text is None:
        return False
    if text.lower() not in _FLAGS:
        raise ConfigError(f"{name} {text[:40]!r} is unknown; give true or false")
    return _FLAGS[text.lower()]


def wants_json(request: Request) -> bool:
    """Return whether JSON is asked for, by the option ``as`` or else the Accept header.

    Raises:
        ConfigError: If the option is something else.
    """
    chosen = request.query_params.get("as")
    if chosen not in (None, "image", "json"):
        raise ConfigError(f"as {chosen[:40]!r} is unknown; give image or json")
    if chosen is not None:
        return chosen == "json"
    return request.headers.get("accept", "").partition(",")[0].partition(";")[0].strip() == "application/json"
