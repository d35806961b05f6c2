"""Many items at once: the order, the bound, errors and stopping."""

import os
import threading
import time

import pytest

from snadnet.concurrency import Ahead, CorePool, StoppedError, StopSignal, default_workers, in_order
from snadnet.environment import available_cores


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(workers):
    def work(number):
        time.sleep(0.02 if number % 3 == 0 else 0)
        return number * number

    squares = list(in_order(work, range(40), workers=workers, stop=StopSignal()))
    assert squares == [number * number for number in range(40)]


def test_no_more_are_worked_on_than_there_are_workers_and_items_are_taken_as_needed():
    lock = threading.Lock()
    now, most, taken = 0, 0, 0

    def items():
        nonlocal taken
        for number in range(60):
            taken += 1
            yield number

    def work(number):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.002)
        with lock:
            now -= 1
        return number

    for done, _ in enumerate(in_order(work, items(), workers=3, stop=StopSignal())):
        assert taken <= done + 1 + 4 * 3
    assert most == 3


def test_a_slow_item_does_not_hold_up_the_others():
    later = threading.Event()

    def work(number):
        if number == 0:
            assert later.wait(10)
        if number == 5:
            later.set()
        return number

    assert list(in_order(work, range(6), workers=2, stop=StopSignal())) == list(range(6))


def test_a_stop_ends_it_and_what_is_finished_is_still_yielded():
    stop = StopSignal()

    def work(number):
        if number == 3:
            stop.request("a test")
            stop.check()
        return number

    assert list(in_order(work, range(100), workers=1, stop=stop)) == [0, 1, 2]
    assert stop.reason == "a test"
    stop.request("another")
    assert stop.reason == "a test"


def test_an_error_ends_it_and_nothing_new_begins():
    begun = []

    def work(number):
        begun.append(number)
        if number == 1:
            raise ValueError("of the second")
        time.sleep(0.01)
        return number

    results = in_order(work, range(1000), workers=2, stop=StopSignal())
    assert next(results) == 0
    with pytest.raises(ValueError, match="of the second"):
        list(results)
    assert len(begun) < 1000


def test_who_takes_no_more_results_ends_it():
    begun = []
    results = in_order(begun.append, range(1000), workers=2, stop=StopSignal())
    next(results)
    results.close()
    assert len(begun) <= 9


def test_files_are_not_begun_after_a_stop_and_those_begun_are_waited_for():
    stop, inside, leave = StopSignal(), threading.Event(), threading.Event()

    def write():
        with stop.writing():
            inside.set()
            leave.wait(10)

    writer = threading.Thread(target=write)
    writer.start()
    assert inside.wait(10)
    stop.request("a test")
    with pytest.raises(StoppedError), stop.writing():
        pass
    stop.wait_for_writers(0.05)  # gives up
    assert writer.is_alive()
    leave.set()
    stop.wait_for_writers(10)
    writer.join(1)
    assert not writer.is_alive()


def test_a_failed_write_counts_as_over():
    stop = StopSignal()
    with pytest.raises(OSError, match="full"), stop.writing():
        raise OSError("full")
    start = time.monotonic()
    stop.wait_for_writers(5)
    assert time.monotonic() - start < 4


def test_there_is_a_worker_at_least():
    assert 1 <= default_workers() <= 4


def test_a_pool_keeps_the_order_and_leaves_a_single_item_to_the_caller():
    pool = CorePool("test")
    both = threading.Barrier(2, timeout=10)

    def work(number):
        if number < 2 and available_cores() > 1:
            both.wait()  # the first two are worked on at the same time
        return number, threading.current_thread().name

    numbers, names = zip(*pool.map(work, range(20)), strict=True)
    assert numbers == tuple(range(20))
    assert all(name.startswith("test") for name in names)
    assert pool.map(work, [5]) == [(5, threading.current_thread().name)]
    assert pool.map(work, []) == []


def test_the_first_error_of_a_pool_comes_out():
    def work(number):
        raise OSError(str(number))

    with pytest.raises(OSError, match=r"^3$"):
        CorePool("test").map(work, [3, 4, 5])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_pool_goes_on_in_a_forked_process():
    pool = CorePool("test")
    assert pool.map(abs, [-1, -2]) == [1, 2]
    child = os.fork()
    if child == 0:
        os._exit(pool.map(abs, [-3, -4]) != [3, 4])
    assert os.waitpid(child, 0)[1] == 0


def test_work_ahead_is_waited_for_and_its_error_comes_out():
    go = threading.Event()
    ahead = Ahead(lambda: go.wait(10) and threading.current_thread().name)
    go.set()
    assert ahead.result().startswith("snadnet-ahead")
    with pytest.raises(ZeroDivisionError):
        Ahead(lambda: 1 // 0).result()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_process_forks_once_work_ahead_is_done():
    lock, begun = threading.Lock(), threading.Event()

    def work():
        with lock:
            begun.set()
            time.sleep(0.3)
            return 7

    ahead = Ahead(work)
    assert begun.wait(10)
    child = os.fork()
    if child == 0:
        os._exit(not (lock.acquire(timeout=1) and ahead.result() == 7))
    assert os.waitpid(child, 0)[1] == 0
