"""Silence for Pillow's warnings, whatever the number of threads that read photos."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_lock = threading.Lock()
# One silence for all readers: it begins with the first and ends with the last.
_silences: list[ExitStack] = []
_readers: list[int] = []


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Silences Pillow's warnings, of broken EXIF and large pictures, which are errors here or left out.

    Python has one list of filters for all threads. Were each reader to set and restore it, one of them could
    restore what another had set.
    """
    with _lock:
        if not _readers:
            silence = ExitStack()
            silence.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            _silences.append(silence)
        _readers.append(threading.get_ident())
    try:
        yield
    finally:
        with _lock:
            _readers.pop()
            if not _readers:
                _silences.pop().close()
