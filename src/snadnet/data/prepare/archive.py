"""The files of a downloaded data set, whether it is still a zip file or was unpacked."""

import os
import zipfile
import zlib
from pathlib import Path
from typing import Final, Protocol

from snadnet.errors import DataError

_MAX_FILE_BYTES: Final = 100_000_000  # an image or a list is smaller; an entry that unpacks to more is an attack


class FileTree(Protocol):
    """Read-only files by their names, which are relative and have forward slashes. Threads may share it.

    Attributes:
        root: The folder or the zip file.
        names: All of its files, sorted.
    """

    root: Path
    names: tuple[str, ...]

    def read(self, name: str) -> bytes:
        """All bytes of a file.

        Raises:
            DataError: If it cannot be read, is damaged or is over 100 MB.
        """


class FolderTree:
    """The files of a folder and its sub-folders; hidden ones are left out. See `FileTree`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        names = []
        for folder, _, files in os.walk(root):
            below = Path(folder).relative_to(root).as_posix()
            prefix = "" if below == "." else f"{below}/"
            names += [f"{prefix}{file}" for file in files if not file.startswith(".")]
        self.names = tuple(sorted(names))

    def read(self, name: str) -> bytes:
        """All bytes of a file."""
        path = self.root / name
        try:
            if path.stat().st_size > _MAX_FILE_BYTES:
                raise DataError(f"{path}: is over 100 MB; remove or replace it")
            return path.read_bytes()
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}); fetch it again") from error


class ZipTree:
    """The files of a zip file. See `FileTree`.

    Raises:
        DataError: If it is damaged, as by a download that broke off.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            self._zip = zipfile.ZipFile(root)
        except (OSError, zipfile.BadZipFile) as error:
            raise DataError(f"{root}: cannot be read as a zip file ({error}); fetch it again") from error
        names = (entry.filename for entry in self._zip.infolist() if not entry.is_dir())
        # What macOS adds of its own to an archive.
        self.names = tuple(sorted(name for name in names if not name.startswith("__MACOSX/")))

    def read(self, name: str) -> bytes:
        """All bytes of a file, its CRC compared."""
        try:
            if self._zip.getinfo(name).file_size > _MAX_FILE_BYTES:
                raise DataError(f"{self.root}: {name} is over 100 MB; fetch the archive again")
            return self._zip.read(name)
        except (OSError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{self.root}: {name} is damaged ({error}); fetch the archive again") from error


def open_tree(root: Path, *, origin: str) -> FileTree:
    """The files of a folder or of a zip file.

    Args:
        root: The folder or the file.
        origin: Says, in errors, how to get the data set.

    Raises:
        DataError: If there is neither.
    """
    if root.is_dir():
        return FolderTree(root)
    if root.is_file():
        return ZipTree(root)
    raise DataError(f"{root}: there is no such folder or zip file; {origin}")
