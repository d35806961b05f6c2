"""Silence for the warnings of Pillow and OpenCV, whatever the number of threads that read photos."""

import os
import threading
import warnings
from contextlib import ExitStack
from types import TracebackType
from typing import Final

from cv2.utils import logging

_NOTHING: Final = 0  # OpenCV's log level


class _Silence:
    """A context in which there are no warnings; any number of threads can be in it.

    Python has one list of filters for all threads, and OpenCV one level of its log. Were each reader to set and
    restore them, one of them could restore what another had set: so the first one sets them, and the last one restores
    them. A forked process starts with no thread inside, as it has none of its parent's other threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._restore = ExitStack()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._start_again)

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._restore.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore")
                self._restore.callback(logging.setLogLevel, logging.setLogLevel(_NOTHING))
            self._inside += 1

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        with self._lock:
            # Not below 0: a process may be forked by a thread that is inside.
            self._inside = max(0, self._inside - 1)
            if self._inside == 0:
                self._restore.close()

    def _start_again(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._restore.close()


SILENCE: Final = _Silence()
"""Silences warnings of broken EXIF, large images and damaged ones, which are errors here or left out."""
