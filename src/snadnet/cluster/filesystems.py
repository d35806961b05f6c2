"""Photos and results on any file system of ``pyarrow.fs``: S3 and what speaks its protocol, GCS, Azure, HDFS, fsspec.

A file there has a path as a URL has it, "s3:/bucket/photos/a.jpg" to pathlib; so all rules for names hold.
"""

import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from pyarrow import fs

from snadnet.batch.inputs import Found, find_photos
from snadnet.batch.storage import LOCAL, refuse_existing
from snadnet.cluster.listing import find_files
from snadnet.errors import ConfigError, PhotoError, UsageError
from snadnet.photo import Limits, Photo, is_url, path_text, printable, read_photo_bytes

_ROOTED: Final = frozenset({"hdfs", "local"})
"""Types of file systems whose paths begin with a slash."""

_WHOLE_OBJECTS: Final = frozenset({"s3", "gcs", "abfs"})
"""Types of file systems where a file appears when its last byte has arrived, and in no other way."""


@dataclass(frozen=True)
class ArrowStorage:
    """Reads photos from one file system and writes results to one; may be pickled, as its file systems may.

    Attributes:
        sources: Where the photos are; None for the files of the machine.
        targets: Where the results go; None for the files of the machine.
    """

    sources: fs.FileSystem | None = None
    targets: fs.FileSystem | None = None

    def find(self, arguments: Sequence[Path], *, recursive: bool, leave_out: Collection[Path]) -> Found:
        """As `snadnet.batch.storage.Storage.find`.

        Raises:
            UsageError: If a clip is among them.
        """
        if self.sources is None:
            found = find_photos(arguments, recursive=recursive, leave_out=leave_out)
        else:
            found = find_files(self.sources, inner_path, arguments, recursive=recursive, leave_out=leave_out)
        for clip in found.clips:
            raise UsageError(
                f"{printable(clip)} is a clip, and a cluster takes photos only; deblur it on one machine, from a local"
                " path and without --engine ray",
                argument="PHOTO",
            )
        return found

    def read(self, source: Path, limits: Limits) -> Photo:
        """As `snadnet.batch.storage.Storage.read`."""
        if self.sources is None:
            return LOCAL.read(source, limits)
        name = printable(source)
        try:
            with self.sources.open_input_file(inner_path(self.sources, source)) as file:
                # One byte more than the limit is enough to see that there are more.
                content = file.read(limits.max_file_bytes + 1)
        except FileNotFoundError as error:
            raise PhotoError(f"{name}: no such file; check the path") from error
        except (OSError, ValueError) as error:
            raise PhotoError(f"{name}: cannot be opened ({reason(error)}); check the file system") from error
        return replace(read_photo_bytes(content, name=name, limits=limits), path=source)

    def exists(self, target: Path) -> bool:
        """As `snadnet.batch.storage.Storage.exists`.

        Raises:
            PhotoError: If the file system does not answer.
        """
        if self.targets is None:
            return LOCAL.exists(target)
        try:
            info = self.targets.get_file_info(inner_path(self.targets, target))
        except (OSError, ValueError) as error:
            raise PhotoError(f"{printable(target)}: cannot be looked up ({reason(error)})") from error
        return bool(info.type != fs.FileType.NotFound)

    def holds(self, target: Path, content: bytes) -> bool:
        """As `snadnet.batch.storage.Storage.holds`."""
        if self.targets is None:
            return LOCAL.holds(target, content)
        try:
            with self.targets.open_input_file(inner_path(self.targets, target)) as file:
                return bool(file.size() == len(content) and file.read() == content)
        except (OSError, ValueError):
            return False

    def write(self, content: bytes, target: Path, *, overwrite: bool) -> None:
        """As `snadnet.batch.storage.Storage.write`."""
        if self.targets is None:
            LOCAL.write(content, target, overwrite=overwrite)
            return
        refuse_existing([target], overwrite=overwrite, storage=self)
        try:
            _write(self.targets, inner_path(self.targets, target), content)
        except (OSError, ValueError) as error:
            raise PhotoError(
                f"{printable(target)}: cannot be written ({reason(error)}); check the file system and its permissions"
            ) from error

    def remove(self, target: Path) -> None:
        """As `snadnet.batch.storage.Storage.remove`."""
        if self.targets is None:
            LOCAL.remove(target)
            return
        with suppress(OSError):
            self.targets.delete_file(inner_path(self.targets, target))


def inner_path(filesystem: fs.FileSystem, path: Path) -> str:
    """Return what a file system calls the file of a path such as "s3:/bucket/a.jpg"."""
    return "/" * (filesystem.type_name in _ROOTED) + "/".join(path.parts[1:])


def located(path: Path | str, filesystem: fs.FileSystem | None = None) -> tuple[fs.FileSystem | None, Path]:
    """Return the file system of a path or URL, and the path as all rules for names take it.

    Args:
        path: A local path; a URL that ``pyarrow.fs.FileSystem.from_uri`` takes; or, with ``filesystem``, a path in it.
        filesystem: The file system, if ``path`` says nothing of it.

    Returns:
        None and the path, if it is local; what a URL tells besides its place, such as keys, is not in the path.

    Raises:
        ConfigError: If there is no such file system, or it cannot be reached.
    """
    if filesystem is not None:
        scheme = re.sub(r"\W.*", "", filesystem.type_name)
        return filesystem, Path(f"{scheme}:/{str(path).strip('/')}")
    if not is_url(Path(path)):
        return None, Path(path)
    url = path_text(Path(path))
    scheme = url.partition(":")[0].lower()
    try:
        found, inner = fs.FileSystem.from_uri(url)
    except (OSError, ValueError, NotImplementedError) as error:
        shown = f"{scheme}://{re.split('://|@', url.partition('?')[0])[-1]}"  # without keys
        why = reason(error).replace(url, shown)
        raise ConfigError(f"{printable(shown)}: no file system of pyarrow can be opened there ({why})") from error
    if found.type_name == "local":
        return None, Path(inner)
    return found, Path(f"{scheme}:/{inner.strip('/')}")


def located_together(
    paths: Sequence[Path | str], filesystem: fs.FileSystem | None, *, argument: str
) -> tuple[fs.FileSystem | None, list[Path]]:
    """Return the one file system of several paths, and the paths as `located` gives them.

    Raises:
        ConfigError: As from `located`.
        UsageError: If they are on several file systems.
    """
    places = [located(path, filesystem) for path in paths]
    first = places[0][0] if places else None
    if any(
        (first is None) != (found is None) or (first is not None and not first.equals(found)) for found, _ in places
    ):
        raise UsageError("paths on several file systems; give those of one at a time", argument=argument)
    return first, [path for _, path in places]


def reason(error: BaseException) -> str:
    """Return the first line of an error."""
    return printable((str(error) or type(error).__name__).partition("\n")[0])[:300]


def _write(filesystem: fs.FileSystem, path: str, content: bytes) -> None:
    folder = path.rpartition("/")[0]
    if filesystem.type_name in _WHOLE_OBJECTS:
        _send(filesystem, path, content)
        return
    filesystem.create_dir(folder, recursive=True)
    temporary = f"{folder}/.{token_hex(8)}.tmp"
    try:
        _send(filesystem, temporary, content)
        filesystem.move(temporary, path)
    except BaseException:
        with suppress(OSError):
            filesystem.delete_file(temporary)
        raise


def _send(filesystem: fs.FileSystem, path: str, content: bytes) -> None:
    stream: Any = filesystem.open_output_stream(path)
    stream.write(content)
    # Not by `with`, which would also finish a file whose writing has failed.
    stream.close()
