"""Middleware before every request: security headers, a refusal of other sites' pages, and a log without names."""

import time
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from snadnet.server.service import LOG

_PATHS: Final = frozenset({"", "docs", "health", "openapi.json", "photos", "photos.zip", "ready", "restore", "static"})
_SECURITY_HEADERS: Final = {
    # Nothing from elsewhere, nothing inline, in no frame: what the page shows comes from this service alone.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Adds the security headers, refuses requests of other sites' pages, and logs a line without names."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        start = time.perf_counter()
        status = 0

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    *((name.lower().encode(), value.encode()) for name, value in _SECURITY_HEADERS.items()),
                ]
            await send(message)

        if _is_foreign(request):
            refusal = JSONResponse(
                {"error": "foreign", "message": "requests of another site's page are refused"}, status_code=403
            )
            await refusal(scope, receive, guarded)
        else:
            await self.app(scope, receive, guarded)
        LOG.info("%s %s %d %.2f s", request.method, _template(request), status, time.perf_counter() - start)


def _is_foreign(request: Request) -> bool:
    """Whether a browser sends it for a page of another site: that page could read what is open here."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return request.method not in ("GET", "HEAD") or request.url.path != "/"
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] != request.headers.get("host", "")


def _template(request: Request) -> str:
    """The path without the keys of photos."""
    first = request.url.path.split("/")[1]
    return f"/{first}" if first in _PATHS else "/..."
