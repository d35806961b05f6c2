"""The state that all requests share: networks, queue, and the photos that are open in the page."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from starlette.requests import Request

from snadnet.concurrency import StopSignal
from snadnet.deblurrer import Deblurrer
from snadnet.errors import ConfigError
from snadnet.inference import Device
from snadnet.server.album import Album
from snadnet.server.settings import ServerSettings
from snadnet.server.work_queue import WorkQueue

LOG: Final = logging.getLogger("snadnet.server")
NAMES: Final = ("fidelity", "natural")
"""Weights that a request may name."""

Result = TypeVar("Result")


class Networks:
    """A Deblurrer for each of the weights that a request may name, opened when it is first asked for.

    Args:
        device: Where they run.
        default: What a request gets that names none: one of `NAMES`, another release, or a file of the operator's.
    """

    def __init__(self, *, device: Device = "auto", default: str = "fidelity") -> None:
        self.default = default
        self._device = device
        self._open: dict[str, Deblurrer] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Deblurrer:
        """Return the Deblurrer of a name, or of the default if the name is empty.

        Raises:
            ConfigError: If a request may not name it.
            WeightsError: If its file is missing or damaged.
        """
        chosen = name or self.default
        if chosen not in (*NAMES, self.default):
            raise ConfigError(f"there are no weights {chosen[:40]!r} here; choose of: {', '.join(NAMES)}")
        with self._lock:
            if chosen not in self._open:
                self._open[chosen] = Deblurrer(weights=chosen, device=self._device)
            return self._open[chosen]


@dataclass
class Service:
    """The state that all requests share.

    Attributes:
        settings: Limits.
        networks: The networks.
        queue: Where photos are worked on.
        album: The photos of the page.
        stopping: Whether it takes no more work.
    """

    settings: ServerSettings
    networks: Networks
    queue: WorkQueue = field(init=False)
    album: Album = field(init=False)
    stopping: bool = False

    def __post_init__(self) -> None:
        settings = self.settings
        self.queue = WorkQueue(workers=settings.workers, waiting=settings.queue)
        self.album = Album(most=settings.kept_photos, most_bytes=settings.kept_bytes, seconds=settings.kept_seconds)

    async def work(self, request: Request, work: Callable[[StopSignal], Result]) -> Result:
        """Run a piece of work for a request whose body was read.

        Raises:
            BusyError, TimedOutError, HungUpError: As `WorkQueue.run`.
        """

        async def hung_up() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass

        return await self.queue.run(work, seconds=self.settings.request_seconds, hung_up=hung_up)


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service: Service = request.app.state.service
    return service
