"""The photos that people have open in the page: kept in memory only, a bounded number, for a bounded time."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from snadnet.faces import FoundFace, Restoration
from snadnet.photo import Photo
from snadnet.server.errors import NotFoundError

_COPIES = 2
"""A result holds the photo once more."""


@dataclass
class KeptPhoto:
    """A photo of the page.

    Attributes:
        key: Hard to guess, and all that is needed to ask for it.
        name: Of its file, without folders.
        photo: As it was read.
        faces: What was found in it.
        results: Restorations of full strength by what was asked for; changing the strength needs no network.
        seen: When it was last asked for, in seconds of a clock that only grows.
    """

    key: str
    name: str
    photo: Photo
    faces: tuple[FoundFace, ...]
    results: dict[str, Restoration] = field(default_factory=dict)
    seen: float = 0.0

    @property
    def size(self) -> int:
        """Bytes of its pixels, results included."""
        return self.photo.pixels.nbytes * (_COPIES + len(self.results))


class Album:
    """Photos by key; the one that was not asked for longest goes first. Not for several threads at a time.

    Args:
        most: Photos at a time.
        most_bytes: Bytes of their pixels; the newest stays even if it is larger by itself.
        seconds: How long a photo stays that nobody asks for.
        clock: Seconds of a clock that only grows.
    """

    def __init__(
        self, *, most: int, most_bytes: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._clock = clock
        self._photos: OrderedDict[str, KeptPhoto] = OrderedDict()

    def __len__(self) -> int:
        self.forget_old()
        return len(self._photos)

    def add(self, name: str, photo: Photo, faces: tuple[FoundFace, ...]) -> KeptPhoto:
        """Keep a photo under a new key."""
        kept = KeptPhoto(secrets.token_urlsafe(16), name, photo, faces, seen=self._clock())
        self._photos[kept.key] = kept
        self.forget_old()
        return kept

    def get(self, key: str) -> KeptPhoto:
        """Return a photo that is kept.

        Raises:
            NotFoundError: If there is none of this key.
        """
        self.forget_old()
        if key not in self._photos:
            raise NotFoundError("this photo is not kept any more; choose it again")
        kept = self._photos[key]
        kept.seen = self._clock()
        self._photos.move_to_end(key)
        return kept

    def remove(self, key: str) -> None:
        """Forget a photo; it may be gone already."""
        self._photos.pop(key, None)

    def forget_old(self) -> None:
        """Forget what is too old or too much."""
        limit = self._clock() - self._seconds
        while self._photos:
            oldest = next(iter(self._photos.values()))
            size = sum(kept.size for kept in self._photos.values())
            crowded = len(self._photos) > self._most or (size > self._most_bytes and len(self._photos) > 1)
            if not crowded and oldest.seen >= limit:
                return
            del self._photos[oldest.key]
