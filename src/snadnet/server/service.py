"""The state that all requests share: networks, queue, and the photos that are open in the page."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from starlette.requests import Request

from snadnet.concurrency import StopSignal
from snadnet.deblurrer import Deblurrer
from snadnet.errors import ConfigError
from snadnet.faces import LARGE_CROP_SIZE
from snadnet.faces.defaults import Light
from snadnet.inference import Device
from snadnet.server.album import Album
from snadnet.server.bodies import BodyMemory, drain, read_photo_body
from snadnet.server.errors import BusyError
from snadnet.server.settings import ServerSettings
from snadnet.server.work_queue import WorkQueue

LOG: Final = logging.getLogger("snadnet.server")
NAMES: Final = ("fidelity", "natural")
"""Weights that a request may name."""

_BODIES: Final = 8
"""Photos of the largest size that may be arriving at a time; of smaller ones as many more."""

Result = TypeVar("Result")


class Networks:
    """A Deblurrer for each of the weights that a request may name, opened when it is first asked for.

    Args:
        device: Where they run.
        default: What a request gets that names none: one of `NAMES`, another release, or a file of the operator's.
        max_crop: As of `Deblurrer`.
        effort: Likewise.
        light: Likewise.
    """

    def __init__(
        self,
        *,
        device: Device = "auto",
        default: str = "fidelity",
        max_crop: int = LARGE_CROP_SIZE,
        effort: int = 1,
        light: str = Light.AUTO,
    ) -> None:
        self.default = default
        self._make = partial(Deblurrer, device=device, max_crop=max_crop, effort=effort, light=light)
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
                self._open[chosen] = self._make(weights=chosen)
            return self._open[chosen]


@dataclass
class Service:
    """The state that all requests share.

    Attributes:
        settings: Limits.
        networks: The networks.
        queue: Where photos are worked on.
        album: The photos of the page.
        bodies: Memory for photos that are arriving.
        stopping: Whether it takes no more work.
    """

    settings: ServerSettings
    networks: Networks
    queue: WorkQueue = field(init=False)
    album: Album = field(init=False)
    bodies: BodyMemory = field(init=False)
    stopping: bool = False

    def __post_init__(self) -> None:
        settings = self.settings
        self.queue = WorkQueue(workers=settings.workers, waiting=settings.queue)
        self.album = Album(most=settings.kept_photos, most_bytes=settings.kept_bytes, seconds=settings.kept_seconds)
        self.bodies = BodyMemory(_BODIES * settings.limits.max_file_bytes)

    async def receive(self, request: Request) -> tuple[bytes, str]:
        """Read the photo that a request holds, and the name of its file, where there is a place to work on it.

        Raises:
            BusyError: If as many photos wait as may, or as much arrives.
            RequestError: As `read_photo_body`, likewise HungUpError.
        """
        settings = self.settings
        if self.queue.is_full:
            await drain(request, settings.body_seconds)
            raise BusyError
        with self.bodies.share() as take:
            return await read_photo_body(
                request, max_bytes=settings.limits.max_file_bytes, seconds=settings.body_seconds, take=take
            )

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
