"""Ray: joined where there is a cluster, else started on this machine for as long as it is needed."""

import logging
import os
import secrets
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from snadnet.environment import available_cores
from snadnet.errors import ConfigError

_OBJECT_STORE: Final = 100 << 20  # bytes; only names and records pass through it
_LONGEST_FOLDER: Final = 40  # characters; the names of sockets in it have a limit
_STANDARD_ERROR: Final = 2
_STARTS: Final = 3  # on a busy machine Ray gives itself up after half a minute
_ENVIRONMENT: Final = {
    # Nothing leaves the machine.
    "RAY_USAGE_STATS_ENABLED": "0",
    # It may lie on a disk where there is little shared memory.
    "RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE": "1",
    # What it would print on standard error, and of dead workers on standard output: it is in the logs.
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
}
_ALONE: Final = {
    # Ray's processes listen on loopback alone, where it is told that no other machine is to be reached.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # Whoever else works on this machine has no key.
    "RAY_AUTH_MODE": "token",
    # The workers give way to others no more than the command itself does.
    "RAY_worker_niceness": "0",
}


@contextmanager
def ray_session(address: str | None) -> Iterator[Any]:
    """Have Ray within it: the one that this process has joined already, that at an address, or one of its own.

    A Ray of its own has a worker for each core of the machine, listens on loopback, has no dashboard, and leaves
    nothing behind.

    Args:
        address: Of a cluster: "auto" for the one that this machine belongs to, or "host:port"; None for one's own.

    Yields:
        The module ``ray``.

    Raises:
        ConfigError: If there is no cluster at the address, or none could be started. In a process, Ray of one's own
            can be started once, before anything else imports it: it reads where to listen when it is imported.
    """
    imported = sys.modules.get("ray")
    joined = imported is not None and imported.is_initialized()
    alone = address is None and not joined
    if alone and imported is not None:
        raise ConfigError(
            "Ray was imported before and would listen to other machines; call ray.init() yourself, or give an address"
        )
    with _environment(_ENVIRONMENT | _ALONE | _key() if alone else _ENVIRONMENT):
        import ray  # noqa: PLC0415 (after the environment is set, and only where it is needed)
        import ray.data  # noqa: PLC0415

        _quiet()
        if joined:
            yield ray
            return
        with tempfile.TemporaryDirectory(prefix="snadnet-", dir=_short_folder(), ignore_cleanup_errors=True) as folder:
            _start(ray, address, folder)
            try:
                yield ray
            finally:
                ray.shutdown()


def _start(ray: Any, address: str | None, folder: str) -> None:  # noqa: ANN401 - a module
    """Join a cluster, or start Ray with its files in a folder."""
    common = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    failure: Exception | None = None
    own: dict[str, Any] = {"address": "local", "num_cpus": available_cores()}
    own |= {"include_dashboard": False, "object_store_memory": _OBJECT_STORE}
    for attempt in range(_STARTS if address is None else 1):
        try:
            with _own_signals(), _no_standard_error():
                # Each in a folder of its own: what is left of the one before may still write.
                place = {"address": address} if address else own | {"_temp_dir": f"{folder}/{attempt}"}
                ray.init(**common, **place)
            return
        except Exception as error:  # noqa: BLE001 - Ray's own errors of starting have no other base class
            ray.shutdown()
            failure = error
    reason = str(failure).partition("\n")[0][:300]
    where = "Ray could not be started here" if address is None else f"{address}: no Ray cluster answers there"
    remedy = "try again when the machine is less busy" if address is None else "check --address"
    raise ConfigError(f"{where} ({reason}); {remedy}") from failure


def _key() -> dict[str, str]:
    return {"RAY_AUTH_TOKEN": secrets.token_hex(32)}


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables that are not set yet, for as long as it lasts."""
    new = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)


def _short_folder() -> str | None:
    return None if len(tempfile.gettempdir()) < _LONGEST_FOLDER or not Path("/tmp").is_dir() else "/tmp"


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep what the process does on SIGTERM, which Ray would change."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM) if main else None
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _no_standard_error() -> Iterator[None]:
    """Drop what Ray's own code, below Python, says while it starts; what goes wrong is an exception all the same."""
    sys.stderr.flush()
    kept = os.dup(_STANDARD_ERROR)
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), _STANDARD_ERROR)
        yield
    finally:
        os.dup2(kept, _STANDARD_ERROR)
        os.close(kept)


def _quiet() -> None:
    """Let Ray's words go to its logs alone: what a photo has become is said by its record."""
    for name in ("ray", "ray.data"):
        logger = logging.getLogger(name)
        logger.propagate = False
        for handler in list(logger.handlers):
            if isinstance(handler, logging.StreamHandler):
                logger.removeHandler(handler)
        logger.addHandler(logging.NullHandler())
