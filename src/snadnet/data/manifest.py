"""The record of a folder of derived files: what each was made from, and its checksum, as JSON lines.

The first line says how the folder was made; every further one names a file. Lines are added as files are finished,
so that a run that was stopped goes on where it was, and a folder is never a mixture of two ways to make it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from snadnet.errors import DataError
from snadnet.files import write_atomically

MANIFEST: Final = "manifest.jsonl"

Split = Literal["train", "validation", "test"]


def _inner_path(file: str) -> str:
    # It becomes part of a path, which must not lead out of the folder.
    parts = file.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in file or "\0" in file or ":" in parts[0]:
        raise ValueError(f"{file!r} is no path within the folder")
    return file


class ManifestEntry(BaseModel):
    """One file.

    Attributes:
        file: Its path within the folder, with forward slashes.
        sha256: Of its bytes.
        source: What it was made from, as the source names it.
        split: Which part of the data set it belongs to; None where there is only one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Annotated[str, AfterValidator(_inner_path)]
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    source: str
    split: Split | None = None


def save_file(folder: Path, file: str, content: bytes, *, source: str, split: Split | None = None) -> ManifestEntry:
    """Write a file in one step, and return its entry."""
    write_atomically(folder / file, content)
    return ManifestEntry(file=file, sha256=hashlib.sha256(content).hexdigest(), source=source, split=split)


class Manifest:
    """The manifest of a folder, new or of an earlier run.

    Args:
        folder: Where the files are, or will be.
        header: How they are made; must be that of the earlier run.

    Attributes:
        entries: What is finished, by file.

    Raises:
        DataError: If the manifest cannot be read, or its files were made in another way.
    """

    def __init__(self, folder: Path, header: Mapping[str, str | int]) -> None:
        self._path = folder / MANIFEST
        self._header = dict(header)
        self.folder = folder
        self.entries: dict[str, ManifestEntry] = {}
        self._begun = False
        try:
            content = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{self._path}: cannot be read ({error}); remove it to begin again") from error
        # The last piece is empty, or half a line that a crash left.
        lines = content.split("\n")[:-1]
        if not lines:
            return
        self._compare(lines[0])
        self._begun = content.endswith("\n")
        for number, line in enumerate(lines[1:], start=2):
            try:
                entry = ManifestEntry.model_validate_json(line)
            except ValidationError as error:
                reason = error.errors()[0]["msg"]
                raise DataError(f"{self._path}: line {number}: {reason}; remove the line") from error
            self.entries[entry.file] = entry

    def _compare(self, line: str) -> None:
        try:
            found = json.loads(line)
        except ValueError as error:
            raise DataError(f"{self._path}: its first line is damaged; remove the file to begin again") from error
        if found == self._header:
            return
        found = found if isinstance(found, dict) else {}
        changed = [key for key in {**found, **self._header} if found.get(key) != self._header.get(key)]
        now = {key: self._header.get(key) for key in changed}
        before = {key: found.get(key) for key in changed}
        raise DataError(f"{self._path}: the folder was made with {before}, not {now}; name another folder")

    def holds(self, files: Iterable[str]) -> bool:
        """Whether all of these are finished and still there."""
        return all(file in self.entries and (self.folder / file).is_file() for file in files)

    def add(self, entries: Sequence[ManifestEntry]) -> None:
        """Note files that are finished."""
        if not self._begun:
            self.rewrite()
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(_line(entry) for entry in entries)
        self.entries.update((entry.file, entry) for entry in entries)

    def rewrite(self) -> None:
        """Write the whole manifest again, in the order of the files' names."""
        lines = [_line(self.entries[file]) for file in sorted(self.entries)]
        write_atomically(self._path, (json.dumps(self._header) + "\n" + "".join(lines)).encode())
        self._begun = True

    def check(self, entry: ManifestEntry) -> None:
        """Compare a file with its entry.

        Raises:
            DataError: If it is missing or other than it was written.
        """
        path = self.folder / entry.file
        try:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}); make it again") from error
        if sha256 != entry.sha256:
            raise DataError(f"{path}: was changed since it was made (other SHA-256); remove it and make it again")

    def strangers(self) -> list[Path]:
        """Files beside the manifest's own that it does not name, and that training would take for faces."""
        folders = {(self.folder / file).parent for file in self.entries}
        known = {self.folder / file for file in self.entries} | {self._path}
        return sorted(
            path
            for folder in folders
            if folder.is_dir()
            for path in folder.iterdir()
            if path.is_file() and path not in known and not path.name.startswith(".")
        )


def _line(entry: ManifestEntry) -> str:
    return entry.model_dump_json(exclude_none=True) + "\n"
