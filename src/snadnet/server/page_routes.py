"""The page's own routes: a photo is kept in memory under a key, so that choices need no second upload."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from snadnet.concurrency import StopSignal
from snadnet.errors import ConfigError
from snadnet.faces import EstimatedBlur, FaceBox, FoundFace, Restoration
from snadnet.faces.types import Box
from snadnet.photo import Photo, read_photo_bytes
from snadnet.server.album import KeptPhoto
from snadnet.server.errors import NotFoundError, RequestError
from snadnet.server.queries import file_response, strength_of
from snadnet.server.restoring import EncodedPhoto, encoded, preview, restore_chosen, zipped
from snadnet.server.service import NAMES, service_of

_MAX_BOXES = 16
_MAX_RESULTS = 6
_MAX_ITEMS = 64
_MAX_JSON = 20_000
_BOX_NUMBERS = 4


async def _add(request: Request) -> Response:
    """``POST /photos?name=``: keep a photo, and say which faces are found in it."""
    service = service_of(request)
    limits = service.settings.limits
    data, _ = await service.receive(request)
    name = request.query_params.get("name", "photo").replace("\\", "/").rpartition("/")[2][:200] or "photo"

    def work(stop: StopSignal) -> tuple[Photo, tuple[FoundFace, ...]]:
        photo = read_photo_bytes(data, name=name, limits=limits)
        stop.check()
        return photo, service.networks.get("").find_faces(photo)

    kept = service.album.add(name, *await service.work(request, work))
    height, width = kept.photo.pixels.shape[:2]
    faces = [
        {"number": face.number, "box": [float(side) for side in face.box], "reason": face.reason} for face in kept.faces
    ]
    # A file of the operator's is called "": its name is none of the page's business.
    weights = service.networks.default if service.networks.default in NAMES else ""
    return JSONResponse(
        {
            "photo": kept.key,
            "width": width,
            "height": height,
            "faces": faces,
            "notes": list(kept.photo.notes),
            "weights": weights,
        }
    )


async def _restore_kept(request: Request) -> Response:
    """``POST /photos/KEY/results``: restore the faces that were chosen; the answer names the result."""
    service = service_of(request)
    kept = service.album.get(request.path_params["key"])
    asked = await _json_body(request)
    weights = str(asked.get("weights", ""))
    numbers = _numbers(asked, kept)
    boxes = _boxes(asked)
    text = json.dumps([weights, sorted(numbers), [str(box) for box in boxes]])
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    if key not in kept.results:
        chosen = [replace(face, reason=None) for face in kept.faces if face.number in numbers]

        def work(stop: StopSignal) -> Restoration:
            return restore_chosen(service.networks.get(weights), kept.photo, chosen, boxes, stop=stop)

        kept.results[key] = await service.work(request, work)
        while len(kept.results) > _MAX_RESULTS:
            del kept.results[next(iter(kept.results))]
        service.album.forget_old()
    return JSONResponse({"result": key, **_described(kept, kept.results[key], numbers)})


def _described(kept: KeptPhoto, restoration: Restoration, numbers: set[int]) -> dict[str, Any]:
    restored = {face.number: face for face in restoration.faces}
    faces: list[dict[str, Any]] = []
    for face in kept.faces:
        reason = None if face.number in restored else face.reason if face.number in numbers else "left out"
        blur = restored[face.number].blur if face.number in restored else None
        faces.append(_face(face.number, str(face.number), face.box, reason, blur))
    drawn = [face for face in restoration.faces if face.number == 0]
    faces += [_face(0, chr(ord("A") + place % 26), face.box, None, face.blur) for place, face in enumerate(drawn)]
    return {"summary": restoration.summary, "faces": faces}


def _face(number: int, name: str, box: Box, reason: str | None, blur: EstimatedBlur | None) -> dict[str, Any]:
    return {
        "number": number,
        "name": name,
        "box": [float(side) for side in box],
        "reason": reason,
        "explains": None if blur is None else blur.explains,
    }


async def _original(request: Request) -> Response:
    """``GET /photos/KEY/original``: the photo as it came, for the page."""
    kept = service_of(request).album.get(request.path_params["key"])
    return await _shown(request, lambda: kept.photo)


async def _result(request: Request) -> Response:
    """``GET /photos/KEY/results/RESULT?strength=``: the restored photo, for the page."""
    return await _shown(request, _at_strength(request))


async def _shown(request: Request, photo: Callable[[], Photo]) -> Response:
    shown = await service_of(request).work(request, lambda _: preview(photo()))
    return Response(shown.data, media_type=shown.media_type)


async def _file(request: Request) -> Response:
    """``GET /photos/KEY/results/RESULT/file?strength=&metadata=keep|strip``: the bytes that the command writes."""
    name = service_of(request).album.get(request.path_params["key"]).name
    photo, strip = _at_strength(request), _strips(request)
    return file_response(
        await service_of(request).work(request, lambda _: encoded(photo(), name, strip_metadata=strip))
    )


async def _zip(request: Request) -> Response:
    """``GET /photos.zip?item=KEY:RESULT:STRENGTH&metadata=keep|strip``: several restored photos in one archive."""
    album = service_of(request).album
    items = [item.split(":") for item in request.query_params.getlist("item")]
    if not 1 <= len(items) <= _MAX_ITEMS or any(len(item) != 3 for item in items):  # noqa: PLR2004
        raise ConfigError(f"item: name 1 to {_MAX_ITEMS} results as KEY:RESULT:STRENGTH")
    strip = _strips(request)
    chosen = []
    for key, result, strength in items:
        kept = album.get(key)
        chosen.append((_result_of(kept, result), strength_of(strength), kept.name))

    def work(stop: StopSignal) -> bytes:
        files: list[EncodedPhoto] = []
        for restoration, strength, name in chosen:
            stop.check()
            files.append(encoded(restoration.at_strength(strength).photo, name, strip_metadata=strip))
        return zipped(files)

    data = await service_of(request).work(request, work)
    return file_response(EncodedPhoto(data, "application/zip", "deblurred.zip"))


async def _remove(request: Request) -> Response:
    """``DELETE /photos/KEY``: forget a photo."""
    service_of(request).album.remove(request.path_params["key"])
    return Response(status_code=204)


def _at_strength(request: Request) -> Callable[[], Photo]:
    """What makes the photo that is asked for; large photos take too long for anything but a thread of the queue."""
    kept = service_of(request).album.get(request.path_params["key"])
    restoration = _result_of(kept, request.path_params["result"])
    strength = strength_of(request.query_params.get("strength"))
    return lambda: restoration.at_strength(strength).photo


def _result_of(kept: KeptPhoto, key: str) -> Restoration:
    if key not in kept.results:
        raise NotFoundError("this result is not kept any more; ask for it again")
    return kept.results[key]


def _strips(request: Request) -> bool:
    chosen = request.query_params.get("metadata", "strip")
    if chosen not in ("keep", "strip"):
        raise ConfigError(f"metadata {chosen[:40]!r} is unknown; give keep or strip")
    return chosen == "strip"


async def _json_body(request: Request) -> dict[str, Any]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_JSON:
            raise RequestError("the choice of faces is too long; choose fewer")
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise RequestError("the choice of faces is not valid JSON") from error
    if not isinstance(document, dict):
        raise RequestError("the choice of faces must be a JSON object with weights, faces and boxes")
    return document


def _numbers(asked: dict[str, Any], kept: KeptPhoto) -> set[int]:
    """The numbers of the faces that were chosen; without a choice those that the command would restore."""
    chosen = asked.get("faces")
    if chosen is None:
        return {face.number for face in kept.faces if face.reason is None}
    known = {face.number for face in kept.faces}
    if not isinstance(chosen, list) or not all(type(number) is int and number in known for number in chosen):
        raise RequestError("faces must be a list of the numbers of faces that were found")
    return set(chosen)


def _boxes(asked: dict[str, Any]) -> list[FaceBox]:
    boxes = asked.get("boxes", [])
    if not isinstance(boxes, list) or len(boxes) > _MAX_BOXES:
        raise RequestError(f"boxes must be a list of at most {_MAX_BOXES} boxes [x, y, width, height]")
    for box in boxes:
        if not (isinstance(box, list) and len(box) == _BOX_NUMBERS and all(type(side) in (int, float) for side in box)):
            raise RequestError("each of boxes must be [x, y, width, height] in pixels of the upright photo")
    return [FaceBox(*map(float, box)) for box in boxes]


PAGE_ROUTES = (
    Route("/photos", _add, methods=["POST"]),
    Route("/photos.zip", _zip),
    Route("/photos/{key}", _remove, methods=["DELETE"]),
    Route("/photos/{key}/original", _original),
    Route("/photos/{key}/results", _restore_kept, methods=["POST"]),
    Route("/photos/{key}/results/{result}", _result),
    Route("/photos/{key}/results/{result}/file", _file),
)
"""The routes of the page; ``docs/guides/service.md`` has those for programs."""
