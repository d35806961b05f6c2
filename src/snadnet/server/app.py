"""The application: a page for people and an HTTP interface for programs, on one queue."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from snadnet import __version__
from snadnet.concurrency import StopSignal
from snadnet.errors import SnadnetError
from snadnet.server.errors import HungUpError, error_response
from snadnet.server.guard import Guard
from snadnet.server.openapi import openapi_document, openapi_page
from snadnet.server.page_routes import PAGE_ROUTES
from snadnet.server.queries import file_response, options_of, wants_json
from snadnet.server.restoring import EncodedPhoto, as_document, encoded, restore_bytes
from snadnet.server.service import LOG, Networks, Service, service_of
from snadnet.server.settings import ServerSettings

_CLIENT_CLOSED: Final = 499
_HTTP_CODES: Final = {404: "not_found", 405: "method_not_allowed"}


def create_app(settings: ServerSettings | None = None, *, networks: Networks | None = None) -> Starlette:
    """Build the application; ``snadnet serve`` runs it, and any ASGI server can.

    Args:
        settings: Limits; the defaults if left out.
        networks: The networks; the released ones if left out. The default one is opened at start-up.
    """
    service = Service(settings or ServerSettings(), networks or Networks())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await run_in_threadpool(service.networks.get, "")
        yield
        service.stopping = True
        await run_in_threadpool(service.queue.close)

    app = Starlette(
        routes=[
            Route("/", _page),
            Route("/health", _health),
            Route("/ready", _ready),
            Route("/restore", _restore, methods=["POST"]),
            Route("/openapi.json", _openapi),
            Route("/docs", _docs),
            *PAGE_ROUTES,
            Mount("/static", StaticFiles(packages=[("snadnet.server", "page")])),
        ],
        middleware=[Middleware(Guard)],
        exception_handlers={
            **dict.fromkeys((SnadnetError, HungUpError, MemoryError, Exception), _handle),
            HTTPException: _handle_http,
        },
        lifespan=lifespan,
    )
    app.state.service = service
    return app


async def _page(_: Request) -> Response:
    return FileResponse(str(files("snadnet.server") / "page" / "index.html"))


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok", "version": __version__})


async def _ready(request: Request) -> Response:
    service = service_of(request)
    if service.stopping or service.queue.is_full:
        reason = "stopping" if service.stopping else "busy"
        return JSONResponse({"status": reason}, status_code=503, headers={"Retry-After": "5"})
    return JSONResponse({"status": "ready"})


async def _openapi(request: Request) -> Response:
    return JSONResponse(openapi_document(service_of(request).settings))


async def _docs(request: Request) -> Response:
    return Response(openapi_page(service_of(request).settings), media_type="text/html; charset=utf-8")


async def _restore(request: Request) -> Response:
    """``POST /restore``: a photo in; the restored photo out, or with ``as=json`` what was found and done."""
    service = service_of(request)
    options, weights = options_of(request)
    as_json = wants_json(request)
    limits = service.settings.limits
    data, name = await service.receive(request)

    def work(stop: StopSignal) -> tuple[dict[str, Any], EncodedPhoto | None]:
        restoration = restore_bytes(
            data, name, deblurrer=service.networks.get(weights), options=options, limits=limits, stop=stop
        )
        stop.check()
        document = as_document(restoration)
        if as_json:
            return document, None
        return document, encoded(restoration.photo, name, strip_metadata=options.strip_metadata)

    document, photo = await service.work(request, work)
    if photo is None:
        return JSONResponse(document)
    return file_response(photo, {"X-Snadnet-Faces": str(len(document["faces"]))})


async def _handle(_: Request, error: Exception) -> Response:
    if isinstance(error, HungUpError):
        return Response(status_code=_CLIENT_CLOSED)
    answer = error_response(error)
    if answer.status_code == 500:  # noqa: PLR2004
        # What went wrong, and where; never of whom: no name and no pixel of a photo is in it.
        LOG.error("request failed: %s", type(error).__name__, exc_info=error)
    return answer


async def _handle_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _HTTP_CODES.get(error.status_code, "bad_request")
    return JSONResponse(
        {"error": code, "message": str(error.detail)}, status_code=error.status_code, headers=error.headers
    )
