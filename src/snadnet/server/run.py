"""Running the application: uvicorn with time limits for slow clients, and a stop that loses nothing."""

import asyncio
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from snadnet.errors import ConfigError
from snadnet.server.service import Service
from snadnet.server.settings import LOOPBACK, ServerSettings

_MAX_CONNECTIONS = 200
_MAX_HEAD = 32_768


def timed_protocol(settings: ServerSettings) -> type[H11Protocol]:
    """HTTP of uvicorn with time limits for what it waits for without end: heads, bodies, and answers to be taken.

    A connection whose request's head has not come when its time is over is closed; so is one whose request is not
    answered long after it should be, and one whose client does not take the answer.
    """
    head_seconds = settings.header_seconds + settings.keep_alive_seconds
    # The routes have limits of their own; this one is for a client that lets no limit come to its answer.
    whole_seconds = settings.body_seconds + settings.request_seconds + settings.answer_seconds

    class TimedProtocol(H11Protocol):
        _timer: asyncio.TimerHandle | None = None
        _timed: RequestResponseCycle | None = None

        def connection_made(self, transport: Any) -> None:  # noqa: ANN401 (uvicorn's own signature)
            super().connection_made(transport)
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            if self._timer is not None:
                self._timer.cancel()
            super().connection_lost(exc)

        def _watch(self) -> None:
            """Start the clock anew where a request has begun or ended since it was started, and only there."""
            running = self.cycle if self.cycle is not None and not self.cycle.response_complete else None
            if self._timer is not None and running is self._timed:
                return
            self._timed = running
            self._set(head_seconds if running is None else whole_seconds, self._close)

        def _close(self) -> None:
            self.transport.close()  # which first sends what is left of the last answer
            self._set(settings.answer_seconds, self.transport.abort)

        def _set(self, seconds: float, end: Callable[[], None]) -> None:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self.loop.call_later(seconds, end)

    return TimedProtocol


def bind(host: str, port: int) -> socket.socket:
    """Open the listening socket, so that a taken port is known before the networks are loaded.

    Raises:
        ConfigError: If the address cannot be used.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        raise ConfigError(f"{host}:{port} cannot be listened on ({error.strerror}); choose another --port") from error
    return listening


def address_of(listening: socket.socket) -> str:
    """The address to open in a browser."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host."""
    return host in LOOPBACK or host.startswith("127.")


def run(
    app: Starlette, listening: socket.socket, *, open_page: bool = False, on_ready: Callable[[], None] = lambda: None
) -> None:
    """Serve until SIGINT or SIGTERM; what runs is then finished and answered, and nothing more is taken.

    Args:
        app: From `snadnet.server.create_app`.
        listening: From `bind`.
        open_page: Open the page in the user's browser.
        on_ready: Called once requests are taken.
    """
    service: Service = app.state.service
    settings = service.settings
    config = uvicorn.Config(
        app,
        http=timed_protocol(settings),
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=int(settings.request_seconds),
        h11_max_incomplete_event_size=_MAX_HEAD,
        server_header=False,
    )
    server = _Server(config, service, on_ready)
    if open_page:
        threading.Timer(0.5, webbrowser.open, (address_of(listening),)).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn takes both while it runs, and raises them again at its end, where they are no reason to fail.
        signal.signal(number, lambda *_: None)
    server.run(sockets=[listening])


class _Server(uvicorn.Server):
    """uvicorn's server that says when it is ready, and when it takes no more."""

    def __init__(self, config: uvicorn.Config, service: Service, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._service = service
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.stopping = True
        await super().shutdown(sockets)
