"""A bounded queue between requests and the threads that restore photos."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from snadnet.concurrency import StopSignal
from snadnet.server.errors import BusyError, HungUpError, TimedOutError

Result = TypeVar("Result")


class WorkQueue:
    """Runs work in threads, refuses what would wait too long, and gives up what nobody waits for.

    Args:
        workers: Pieces of work that run at a time.
        waiting: Pieces of work that may wait beyond those.
    """

    def __init__(self, *, workers: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="snadnet-server")
        self._places = workers + waiting
        self._taken = 0

    @property
    def is_full(self) -> bool:
        """Whether a further piece of work would be refused."""
        return self._taken >= self._places

    async def run(
        self, work: Callable[[StopSignal], Result], *, seconds: float, hung_up: Callable[[], Awaitable[object]]
    ) -> Result:
        """Run a piece of work and return its result.

        Args:
            work: Called in a thread; it looks at the stop between its steps.
            seconds: Time limit, waiting included.
            hung_up: Returns once the client is gone.

        Raises:
            BusyError: If as many pieces wait as may.
            TimedOutError: If the time is over. A thread that has begun ends its step, and holds its place until then.
            HungUpError: If the client is gone; likewise.
        """
        if self.is_full:
            raise BusyError
        self._taken += 1
        stop = StopSignal()
        loop = asyncio.get_running_loop()
        try:
            future = self._pool.submit(work, stop)
        except RuntimeError:
            self._taken -= 1
            raise BusyError from None
        # The thread's own end frees the place, not the request's: what a thread still does takes a core.
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._free))
        done = asyncio.wrap_future(future)
        gone = asyncio.ensure_future(hung_up())
        waited_for: set[asyncio.Future[Any]] = {done, gone}
        try:
            await asyncio.wait(waited_for, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if done.done():
                return done.result()
            _give_up(future, stop)
            raise HungUpError if gone.done() else TimedOutError
        finally:
            gone.cancel()
            # Its end is of no more interest; without this, an error in it would be logged.
            done.cancel()

    def _free(self) -> None:
        self._taken -= 1

    def close(self) -> None:
        """Wait for what runs, and take nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _give_up(future: Future[Result], stop: StopSignal) -> None:
    stop.request("nobody waits for the result")
    future.cancel()
