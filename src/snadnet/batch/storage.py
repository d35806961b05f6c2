"""The places that photos are read from and results are written to."""

import os
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from snadnet.batch.inputs import Found, find_photos
from snadnet.batch.streams import STREAM, write_standard_output
from snadnet.errors import OutputExistsError
from snadnet.photo import Limits, printable

if TYPE_CHECKING:
    from snadnet.photo import Photo


class Storage(Protocol):
    """Reads photos and writes results, for any number of threads at a time."""

    def find(self, arguments: Sequence[Path], *, recursive: bool, leave_out: Collection[Path]) -> Found:
        """Return the photos that files and folders stand for, as `snadnet.batch.inputs.find_photos`."""

    def read(self, source: Path, limits: Limits) -> "Photo":
        """Return a photo; raise PhotoError if it cannot be read or is over a limit."""

    def exists(self, target: Path) -> bool:
        """Return whether something is there already."""

    def holds(self, target: Path, content: bytes) -> bool:
        """Return whether a file is there with exactly these bytes."""

    def write(self, content: bytes, target: Path, *, overwrite: bool) -> None:
        """Write a file completely or not at all.

        Raises:
            OutputExistsError: If something is there and ``overwrite`` is false.
            PhotoError: If it cannot be written; its cause is the OSError, if there was one.
        """

    def remove(self, target: Path) -> None:
        """Remove a file that was written, if that can be done."""


@dataclass(frozen=True)
class LocalStorage:
    """The files of this machine, and its standard streams.

    Attributes:
        standard_input: What was read from there, for the photo `STREAM`.
    """

    standard_input: bytes = b""

    def find(self, arguments: Sequence[Path], *, recursive: bool, leave_out: Collection[Path]) -> Found:
        """As `Storage.find`."""
        return find_photos(arguments, recursive=recursive, leave_out=leave_out)

    def read(self, source: Path, limits: Limits) -> "Photo":
        """As `Storage.read`."""
        from snadnet.photo import read_photo, read_photo_bytes  # noqa: PLC0415 (nothing heavy before it is needed)

        if source == STREAM:
            return read_photo_bytes(self.standard_input, name="standard input", limits=limits)
        return read_photo(source, limits=limits)

    def exists(self, target: Path) -> bool:
        """As `Storage.exists`."""
        return target != STREAM and os.path.lexists(target)

    def holds(self, target: Path, content: bytes) -> bool:
        """As `Storage.holds`."""
        try:
            return target != STREAM and target.stat().st_size == len(content) and target.read_bytes() == content
        except OSError:
            return False

    def write(self, content: bytes, target: Path, *, overwrite: bool) -> None:
        """As `Storage.write`."""
        if target == STREAM:
            write_standard_output(content)
        else:
            from snadnet.photo import write_bytes  # noqa: PLC0415 (as above)

            write_bytes(content, target, overwrite=overwrite)

    def remove(self, target: Path) -> None:
        """As `Storage.remove`."""
        with suppress(OSError):
            target.unlink()


LOCAL: Final = LocalStorage()


def refuse_existing(outputs: Iterable[Path], *, overwrite: bool, storage: Storage = LOCAL) -> None:
    """Refuse to replace a file without being asked to.

    Raises:
        OutputExistsError: If a file exists already and ``overwrite`` is false.
    """
    if overwrite:
        return
    for path in outputs:
        if storage.exists(path):
            raise OutputExistsError(f"{printable(path)}: exists already; choose another name or pass --overwrite")
