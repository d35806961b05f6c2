"""Loading modules without looking for garbage among what they make, in the command's own process."""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

_own_process = False


def own_process() -> None:
    """Say that this process is the command's own, and ends with it: `loading` does nothing before."""
    global _own_process  # noqa: PLW0603 (a fact of the process)
    _own_process = True
    atexit.register(gc.freeze)  # what is there at the end goes with the process


@contextmanager
def loading() -> Iterator[None]:
    """Collect no garbage until the end of the block, and never look for any among what is there then.

    Modules make many objects that all stay: looking through them, which Python does after each 700, takes a fifth of
    the time of ``snadnet --help``.
    """
    if not _own_process:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
