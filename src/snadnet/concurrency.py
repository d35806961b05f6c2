"""Bounded concurrency: several items at a time, results in order, and a stop that leaves no file half written.

Nothing here knows what the work is. For example, two photos at a time, in the order of their names::

    deblurrer, stop = Deblurrer(), StopSignal()
    for faces in in_order(lambda path: deblurrer.restore(path).faces, paths, workers=2, stop=stop):
        print(faces)

The work runs in threads: decoding (Pillow), inference (ONNX Runtime) and image operations (OpenCV) release the
interpreter's lock, so that the decoding of one photo overlaps with the inference of another.
"""

import os
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, Final, Generic, TypeVar

from snadnet.environment import available_cores

MAX_DEFAULT_WORKERS: Final = 4
"""Default of the most photos at a time: each holds a few hundred megabytes if it is a large one."""

_AHEAD: Final = 4  # results that wait, for each worker, while an earlier photo takes long
_POLL: Final = 0.5  # seconds; on Windows a thread that waits without a limit does not notice Ctrl-C

Item = TypeVar("Item")
Result = TypeVar("Result")


class StoppedError(Exception):
    """Raised inside the work once a stop was requested; never reaches the user."""


class StopSignal:
    """A request to stop a batch between two steps, and never while a file is being written.

    It takes no lock, so that signal handlers may use it and a forked process inherits none that is held.

    Attributes:
        reason: Why a stop was requested, in a few words; None while it was not.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self._writers: set[object] = set()

    def request(self, reason: str) -> None:
        """Let nothing new begin. Safe in a signal handler; the first reason stays."""
        if self.reason is None:
            self.reason = reason

    def check(self) -> None:
        """Call this between two steps of the work.

        Raises:
            StoppedError: If a stop was requested.
        """
        if self.reason is not None:
            raise StoppedError

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Enclose the writing of files that belong together: not begun after a stop was requested, else waited for.

        Raises:
            StoppedError: If a stop was requested.
        """
        writer = object()
        # Registered before the check: a stop requested after it finds this writer among those to wait for.
        self._writers.add(writer)
        try:
            self.check()
            yield
        finally:
            self._writers.discard(writer)

    def wait_for_writers(self, seconds: float) -> None:
        """Return when no file is being written, or after ``seconds``; call it after `request`."""
        deadline = time.monotonic() + seconds
        while self._writers and time.monotonic() < deadline:
            time.sleep(0.01)


class CorePool:
    """Threads, one for each core that this process may use, shared by all that give them work.

    It may be shared between threads, and goes on in a forked process.

    Args:
        name: What its threads are called.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._started: tuple[int, ThreadPoolExecutor] | None = None

    def map(self, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Do the work for each item, side by side; the work must not wait for this pool.

        A single item stays in the caller's thread, of which there may be many.

        Returns:
            The results, in the order of the items.

        Raises:
            Exception: If the work raised one: the first in the order of the items.
        """
        return list(map(work, items) if len(items) == 1 else self.threads().map(work, items))

    def threads(self) -> ThreadPoolExecutor:
        """The pool of this process: a forked one inherits the pool, but none of its threads."""
        if self._started is None or self._started[0] != os.getpid():
            # Without a lock, which could be inherited locked: two threads may each start one, and both work.
            self._started = os.getpid(), ThreadPoolExecutor(available_cores(), thread_name_prefix=self._name)
        return self._started[1]


class Ahead(Generic[Result]):
    """Work that begins at once, in a thread of its own, and whose result is asked for later.

    A process forks only once it is done: of a thread that works, a forked process would inherit the locks it holds.

    Args:
        work: The work.
    """

    def __init__(self, work: Callable[[], Result]) -> None:
        pool = ThreadPoolExecutor(1, thread_name_prefix="snadnet-ahead")
        self._done = pool.submit(work)
        # Its thread ends with the work; a process that ends waits for it.
        pool.shutdown(wait=False)
        _pending.add(self._done)

    def result(self) -> Result:
        """Wait for the result.

        Raises:
            Exception: If the work raised one.
        """
        return self._done.result()


_pending: weakref.WeakSet[Future[Any]] = weakref.WeakSet()


def _wait_for_pending() -> None:
    wait(list(_pending))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_wait_for_pending)


def default_workers() -> int:
    """Return the number of CPU cores of this process, at most `MAX_DEFAULT_WORKERS`."""
    return min(available_cores(), MAX_DEFAULT_WORKERS)


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], *, workers: int, stop: StopSignal
) -> Generator[Result, None, None]:
    """Do the work for each item, several at a time, and yield the results in the order of the items.

    At most ``workers`` items are worked on at a time. Results wait for those before them, up to four for each
    worker, so a result should be small: leave out what is no longer needed, such as pixels.

    Args:
        work: Called in a thread of its own; it may call ``stop.check()`` between its steps.
        items: The items; taken as they are needed.
        workers: How many items are worked on at a time; 1 or more.
        stop: Once a stop is requested, no new item begins; finished items are still yielded, others are not.

    Yields:
        The results, in the order of the items.

    Raises:
        Exception: If the work raised one: the first in the order of the items; nothing new begins then.
    """
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="snadnet-batch") as pool:
        try:
            for item in items:
                if stop.reason is not None:
                    break
                pending.append(pool.submit(_unless_stopped, work, item, stop))
                if len(pending) >= _AHEAD * workers:
                    yield from _finished(pending.popleft())
            while pending:
                yield from _finished(pending.popleft())
        finally:
            for future in pending:
                future.cancel()


def _unless_stopped(work: Callable[[Item], Result], item: Item, stop: StopSignal) -> Result:
    stop.check()
    return work(item)


def _finished(future: Future[Result]) -> Iterator[Result]:
    """Yield the result, or nothing if the work was stopped."""
    while not wait((future,), timeout=_POLL).done:
        pass
    try:
        result = future.result()
    except StoppedError:
        return
    yield result
