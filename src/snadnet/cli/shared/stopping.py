"""Ctrl-C and the other ways to end a command: files that were begun are finished, and nothing new begins."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from snadnet.concurrency import StopSignal

_NAMES: Final = {"SIGINT": "Ctrl-C", "SIGTERM": "SIGTERM", "SIGHUP": "SIGHUP"}
_MESSAGE: Final = b"snadnet: stopping after the present step; once more leaves at once\n"
_PATIENCE: Final = 5.0  # seconds that leaving at once waits for files that are being written
_STANDARD_ERROR: Final = 2


class Signals:
    """The signal that was caught, if any.

    Attributes:
        exit_code: 128 and the signal's number (130 for Ctrl-C), or None if there was none.
    """

    def __init__(self) -> None:
        self.exit_code: int | None = None


@contextmanager
def stop_on_signals(stop: StopSignal) -> Iterator[Signals]:
    """Within it, the first signal requests a stop, and the second one leaves the process at once.

    Signals that the process was started to ignore (as by ``nohup``) stay ignored.
    """
    caught = Signals()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if caught.exit_code is not None:
            stop.wait_for_writers(_PATIENCE)
            # Not sys.exit: that waits for the threads, which is what the user won't do.
            os._exit(caught.exit_code)
        caught.exit_code = 128 + number
        stop.request(_NAMES[signal.Signals(number).name])
        # Not print: the signal may have come in the middle of one.
        os.write(_STANDARD_ERROR, _MESSAGE)

    # Python hands signals to the main thread and lets only that one say what happens.
    in_main_thread = threading.current_thread() is threading.main_thread()
    numbers = [getattr(signal, name) for name in _NAMES if in_main_thread and hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    taken = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}
    try:
        for number in taken:
            signal.signal(number, on_signal)
        yield caught
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)
