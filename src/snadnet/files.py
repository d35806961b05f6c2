"""Files: written so that no reader, and no crash, leaves half of one; their checksums; and those of other packages."""

import hashlib
import importlib.util
import os
import secrets
from pathlib import Path


def write_atomically(path: Path, *content: bytes) -> None:
    """Write a file beside its place, flush it to disk, and move it there in one step.

    The file gets the permissions of any new file, that is 0o666 less the process's umask.

    Args:
        path: The file; an existing one is replaced. Its folder is made if need be.
        content: All bytes of the file, in one part or several, of which none is copied.

    Raises:
        OSError: If the folder cannot be written; nothing is left behind then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name[:40]}-{secrets.token_hex(8)}.tmp"
    # Made by an exclusive open, not by tempfile.mkstemp, whose private files would need the umask to be made public:
    # it can only be read by setting it, which threads that write at the same time would see.
    file = temporary.open("xb")
    try:
        with file:
            file.writelines(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal.

    Raises:
        OSError: If the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_package_file(package: str, name: str) -> Path | None:
    """Return the place of a file that an installed package carries; None if there is no such package or file.

    The package is not imported, so none of its code runs.

    Args:
        package: A top-level package.
        name: The file, relative to the package's folder.
    """
    spec = importlib.util.find_spec(package)
    folders = (spec.submodule_search_locations if spec else None) or []
    return next((path for folder in folders if (path := Path(folder) / name).is_file()), None)
