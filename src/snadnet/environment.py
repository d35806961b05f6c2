"""The machine and the process: cores, memory, versions, and the header of every measurement."""

import os
import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

# Of glibc's malloc.h: what of its allocator is settled, and how.
_ARENA_MAX: Final = (-8, 2)
_TRIM_THRESHOLD: Final = (-1, 1 << 30)
_MMAP_THRESHOLD: Final = (-3, 32 << 20)  # the most that it takes


def run_header(packages: Sequence[str]) -> str:
    """Return the command line, the processor, how busy it is, and the versions of what is measured.

    Args:
        packages: Distribution names whose versions matter, such as ``"torch"``.

    Returns:
        Three lines of text.
    """
    from importlib.metadata import version  # noqa: PLC0415 (takes longer to load than all else here)

    program = Path(sys.argv[0])
    if program.name == "__main__.py":  # of python -m, which puts the module's file here
        command = ["python", "-m", program.parent.name]
    else:
        command = [program.name] if program.name == "snadnet" else ["python", str(program)]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    return "\n".join(
        (
            f"$ {shlex.join([*command, *sys.argv[1:]])}",
            f"machine: {platform.machine()} {platform.system()}, {os.cpu_count()} cores, "
            f"load over the last minute {load:.2f}",
            f"versions: Python {platform.python_version()}, {versions}",
        )
    )


def available_cores() -> int:
    """Return how many CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def reuse_freed_memory() -> bool:
    """Let the threads of this process take what any of them has freed, where the C library is glibc.

    Else each thread has an arena of its own, and what one has freed there no other can have, so that a large photo
    takes more memory; and much of it is given back to the system only to be asked for again, which takes time. For
    programs: a library does not settle this for the process that it runs in.

    Returns:
        Whether that is so now.
    """
    if not sys.platform.startswith("linux") or "MALLOC_ARENA_MAX" in os.environ:
        return False
    import ctypes  # noqa: PLC0415 (for those who ask)

    try:
        mallopt = ctypes.CDLL(None).mallopt
        return all(mallopt(*setting) for setting in (_ARENA_MAX, _TRIM_THRESHOLD, _MMAP_THRESHOLD))
    except (OSError, AttributeError):  # another C library
        return False


def resident_memory(process: int | None = None) -> int | None:
    """Return the memory that a process holds now, in bytes; None where the system does not say.

    Args:
        process: The process's id; this process if None.
    """
    return _from_status("VmRSS", process)


def peak_memory(process: int | None = None) -> int | None:
    """Return the most memory that a process has held so far, in bytes; None where the system does not say.

    Args:
        process: The process's id; this process if None.
    """
    # Not ru_maxrss where there is another way: on Linux it starts from the peak of the process that started this one.
    from_status = _from_status("VmHWM", process)
    if from_status is not None or process is not None:
        return from_status
    try:
        import resource  # noqa: PLC0415 (not on Windows)
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _from_status(key: str, process: int | None) -> int | None:
    folder = "self" if process is None else str(process)
    try:
        lines = Path(f"/proc/{folder}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:")), None)
