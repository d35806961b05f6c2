"""A piece of work that nobody waits for gives up its place, and the queue never takes more than it says."""

import asyncio
import threading

import pytest

pytest.importorskip("starlette", reason="needs the extra: pip install 'snadnet[server]'")

from snadnet.server.errors import BusyError, HungUpError, TimedOutError
from snadnet.server.work_queue import WorkQueue


async def stays():
    await asyncio.sleep(3600)


async def goes():
    await asyncio.sleep(0)


async def until(condition) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def test_a_waiting_piece_whose_client_hangs_up_is_never_begun_and_frees_its_place():
    async def scene():
        queue, began, release, begun = WorkQueue(workers=1, waiting=1), threading.Event(), threading.Event(), []

        def hold(_stop):
            began.set()
            return release.wait(20)

        first = asyncio.ensure_future(queue.run(hold, seconds=30, hung_up=stays))
        await until(began.is_set)
        with pytest.raises(HungUpError):
            await queue.run(lambda _: begun.append(1), seconds=30, hung_up=goes)
        await until(lambda: not queue.is_full)
        release.set()
        assert await first
        assert await queue.run(lambda _: "next", seconds=30, hung_up=stays) == "next"
        assert begun == []
        queue.close()

    asyncio.run(scene())


@pytest.mark.parametrize("error", [HungUpError, TimedOutError])
def test_a_running_piece_that_nobody_waits_for_is_told_to_stop(error):
    async def scene():
        queue, began, told = WorkQueue(workers=1, waiting=0), threading.Event(), threading.Event()

        def work(stop):
            began.set()
            while stop.reason is None:
                told.wait(0.01)
            told.set()

        async def goes_later():
            await until(began.is_set)

        hung_up = goes_later if error is HungUpError else stays
        with pytest.raises(error):
            await queue.run(work, seconds=30 if error is HungUpError else 0.5, hung_up=hung_up)
        await until(lambda: told.is_set() or not began.is_set())
        await until(lambda: not queue.is_full)
        queue.close()

    asyncio.run(scene())


def test_more_than_it_takes_is_refused_and_nothing_is_taken_once_it_is_closed():
    async def scene():
        queue, release = WorkQueue(workers=1, waiting=0), threading.Event()
        first = asyncio.ensure_future(queue.run(lambda _: release.wait(20), seconds=30, hung_up=stays))
        await until(lambda: queue.is_full)
        with pytest.raises(BusyError):
            await queue.run(lambda _: None, seconds=30, hung_up=stays)
        release.set()
        await first
        queue.close()
        with pytest.raises(BusyError):
            await queue.run(lambda _: None, seconds=30, hung_up=stays)

    asyncio.run(scene())
