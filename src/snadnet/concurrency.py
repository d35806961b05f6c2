"""Many photos at once: a bounded number at a time, results in order, and a stop that breaks no file.

Nothing here knows what the work is. For example, two photos at a time, in the order of their names::

    deblurrer, brake = Deblurrer(), Brake()
    for faces in in_order(lambda path: deblurrer.restore(path).faces, paths, workers=2, brake=brake):
        print(faces)

The work runs in threads: decoding (Pillow), inference (ONNX Runtime) and image operations (OpenCV) release the
interpreter's lock, so that the decoding of one photo overlaps with the inference of another.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Final, TypeVar

from snadnet.environment import available_cores

MAX_DEFAULT_WORKERS: Final = 4
"""Most photos at a time unless told otherwise: each holds a few hundred megabytes if it is a large one."""

_AHEAD: Final = 4  # results that wait, for each worker, while an earlier photo takes long
_POLL: Final = 0.5  # seconds; on Windows a thread that waits without end is deaf to Ctrl-C

Item = TypeVar("Item")
Result = TypeVar("Result")


class StoppedError(Exception):
    """Raised within the work when the brake was pulled; never reaches the user."""


class Brake:
    """Stops a batch between two steps, and never while a file is being written.

    Attributes:
        reason: why it was pulled, in a few words; None while it was not.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self._writers = 0
        self._lock = threading.Lock()

    def pull(self, reason: str) -> None:
        """Let nothing new begin. Safe in a signal handler, as it takes no lock; the first reason stays."""
        if self.reason is None:
            self.reason = reason

    def check(self) -> None:
        """Call it between two steps of the work.

        Raises:
            StoppedError: the brake was pulled.
        """
        if self.reason is not None:
            raise StoppedError

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Around writing files that belong together: not begun once the brake is pulled, else waited for.

        Raises:
            StoppedError: the brake was pulled.
        """
        with self._lock:
            self.check()
            self._writers += 1
        try:
            yield
        finally:
            with self._lock:
                self._writers -= 1

    def wait_for_writers(self, seconds: float) -> None:
        """After the brake was pulled: returns when no file is being written, or after so many seconds."""
        deadline = time.monotonic() + seconds
        # Polled without the lock, since a signal handler may run while its own thread holds it.
        while self._writers and time.monotonic() < deadline:
            time.sleep(0.01)


def default_workers() -> int:
    """As many as there are cores, at most :data:`MAX_DEFAULT_WORKERS`."""
    return min(available_cores(), MAX_DEFAULT_WORKERS)


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], *, workers: int, brake: Brake
) -> Generator[Result, None, None]:
    """Do the work for each item, several at a time, and yield the results in the order of the items.

    At most ``workers`` items are worked on at a time. Results wait for those before them, up to four for each
    worker, so a result should be small: what the work needs no more (pixels) should not be in it.

    Args:
        work: called in a thread of its own; it may call ``brake.check()`` between its steps.
        items: the items; taken as they are needed.
        workers: how many items are worked on at a time; 1 or more.
        brake: once it is pulled, no new item begins; items that are finished are still yielded, others are not.

    Raises:
        Exception: the first error that the work raised, in the order of the items; nothing new begins then.
    """
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="snadnet-batch") as pool:
        try:
            for item in items:
                if brake.reason is not None:
                    break
                pending.append(pool.submit(_unless_stopped, work, item, brake))
                if len(pending) >= _AHEAD * workers:
                    yield from _finished(pending.popleft())
            while pending:
                yield from _finished(pending.popleft())
        finally:
            for future in pending:
                future.cancel()


def _unless_stopped(work: Callable[[Item], Result], item: Item, brake: Brake) -> Result:
    brake.check()
    return work(item)


def _finished(future: Future[Result]) -> Iterator[Result]:
    """The result, or nothing if the brake stopped it."""
    while not wait((future,), timeout=_POLL).done:
        pass
    try:
        result = future.result()
    except StoppedError:
        return
    yield result
