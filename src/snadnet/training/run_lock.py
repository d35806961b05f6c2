"""A lock on a run's folder, and on one of kept results, so that two trainings never write into one."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from snadnet.errors import ConfigError

LOCK_FILE: Final = "run.lock"


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold a folder for this process.

    The lock is the operating system's, on the file ``run.lock``: it goes with the process, however that ends, so a
    file that a crash left behind holds nobody up.

    Args:
        folder: A run's, or one of kept results; it is made if need be.

    Raises:
        ConfigError: If another process trains in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK_FILE
    with path.open("a+", encoding="utf-8") as file:
        try:
            _lock(file)
        except OSError as error:
            file.seek(0)
            holder = " ".join(file.read(200).split()) or "another process"
            raise ConfigError(
                f"{folder}: another training ({holder}) runs in it; stop that one, or choose another folder"
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _lock(file: IO[str]) -> None:
    """Lock a file for this process alone; forked workers do not hold it.

    Raises:
        OSError: If another process has it.
    """
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 (only there)

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl  # noqa: PLC0415 (only there)

        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
