"""Pillow's warnings are silenced for all threads, and a forked process neither hangs nor stays silent."""

import os
import signal
import threading
import warnings

import pytest

from snadnet.photo.silence import SILENCE

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def exit_code_of_child(work):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_the_filters_come_back_after_the_last_one():
    before = list(warnings.filters)
    with SILENCE:
        with SILENCE:
            assert warnings.filters[0][0] == "ignore"
        assert warnings.filters[0][0] == "ignore"
    assert list(warnings.filters) == before


@needs_fork
@pytest.mark.parametrize("hold_lock", [False, True])
def test_a_process_forked_while_another_thread_reads_is_free(hold_lock):
    before, inside, leave = list(warnings.filters), threading.Event(), threading.Event()

    def read():
        with SILENCE:
            lock = SILENCE._lock
            if hold_lock:
                lock.acquire()
            inside.set()
            leave.wait(20)
            if hold_lock:
                lock.release()

    def work():
        loud = list(warnings.filters) == before
        with SILENCE:
            silent = warnings.filters[0][0] == "ignore"
        return loud and silent and list(warnings.filters) == before

    reader = threading.Thread(target=read)
    reader.start()
    assert inside.wait(10)
    try:
        assert exit_code_of_child(work) == 0
    finally:
        leave.set()
        reader.join()


@needs_fork
def test_a_thread_may_fork_while_it_reads():
    with SILENCE:
        assert exit_code_of_child(lambda: SILENCE.__exit__(None, None, None) is None and SILENCE._inside == 0) == 0
