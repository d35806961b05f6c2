"""Limits of the service: sizes, queue, time limits, and how long a photo of the page is kept in memory."""

from dataclasses import dataclass, field
from typing import Final

from snadnet.concurrency import default_workers
from snadnet.errors import ConfigError
from snadnet.photo import Limits

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8000
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
"""Hosts that only this machine reaches."""


@dataclass(frozen=True)
class ServerSettings:
    """Limits of the service.

    Attributes:
        limits: Largest file and largest image that are read.
        workers: Photos that are worked on at a time.
        queue: Photos that may wait beyond those; a further one is refused with status 503.
        request_seconds: Time limit from the moment a photo is received to its answer, waiting included.
        body_seconds: Time limit for receiving a request's body.
        header_seconds: Time limit for receiving a request's head.
        answer_seconds: Time limit for a client to take its answer.
        keep_alive_seconds: How long a connection without a request stays open.
        kept_photos: Most photos of the page that are kept in memory at a time; the oldest goes first.
        kept_bytes: Most memory that they take together, in bytes of decoded pixels.
        kept_seconds: How long a photo of the page is kept after it was last asked for.

    Raises:
        ConfigError: If a number is not above 0 (the queue may be 0).
    """

    limits: Limits = field(default_factory=Limits)
    workers: int = field(default_factory=default_workers)
    queue: int = 16
    request_seconds: float = 120.0
    body_seconds: float = 60.0
    header_seconds: float = 10.0
    answer_seconds: float = 60.0
    keep_alive_seconds: int = 15
    kept_photos: int = 32
    kept_bytes: int = 1_500_000_000
    kept_seconds: float = 1800.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name == "queue" and value < 0:
                raise ConfigError(f"queue {value} is out of range; choose 0 or more")
            if name not in ("limits", "queue") and not value > 0:
                raise ConfigError(f"{name} {value} is out of range; choose more than 0")
