"""Standard streams that a process was started without, as services and ``pythonw`` do, or a shell by ``2>&-``."""

import io
import os
import sys
from typing import Final, TextIO

_STANDARD_ERROR: Final = 2


class ClosedStream(io.TextIOWrapper):
    """Stands for a standard stream that is closed: nothing comes from it, and what is sent to it is dropped."""

    def __init__(self, mode: str) -> None:
        super().__init__(open(os.devnull, mode), encoding="utf-8")  # noqa: SIM115, PTH123 - open until the end


def replace_closed_streams() -> None:
    """Put a `ClosedStream` in the place of each standard stream that is closed, where Python has None."""
    # First their numbers: a file that got one of them would receive what libraries print there.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        pass
    os.close(descriptor)
    for name, mode in (("stdin", "rb"), ("stdout", "wb"), ("stderr", "wb")):
        if getattr(sys, name) is None:
            setattr(sys, name, ClosedStream(mode))


def is_closed(stream: TextIO | None) -> bool:
    """Whether a standard stream was closed when the process started."""
    return stream is None or isinstance(stream, ClosedStream)
