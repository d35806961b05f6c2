"""What every measurement states first: the command, the machine, and which faces it is made on."""

import os
import platform
import shlex
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from snadnet.errors import DataError

PICTURE_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})


def run_header(packages: Sequence[str]) -> str:
    """The command line, the processor, how busy it is, and the versions of what is measured.

    Args:
        packages: Distribution names whose versions matter, such as ``"torch"``.

    Returns:
        Three lines of text.
    """
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    return "\n".join(
        (
            f"$ {shlex.join(['python', *sys.argv])}",
            f"machine: {platform.machine()} {platform.system()}, {os.cpu_count()} cores, "
            f"load over the last minute {load:.2f}",
            f"versions: Python {platform.python_version()}, {versions}",
        )
    )


def last_pictures(folder: Path, count: int) -> list[Path]:
    """The last ``count`` pictures of a folder in the order of their names: the validation faces by custom.

    Args:
        folder: Holds the pictures, not its sub-folders.
        count: How many; all of them if there are fewer.

    Raises:
        DataError: The folder is missing, or holds no picture.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give the folder of the face crops")
    pictures = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
    if not pictures:
        raise DataError(f"{folder}: no pictures in it ({', '.join(sorted(PICTURE_SUFFIXES))})")
    return pictures[-count:]
