"""Telling files apart by their names, whatever the system makes of links and letter case."""

import os
from pathlib import Path


def is_folder(path: Path) -> bool:
    """Whether there is a folder; unlike pathlib's, "no" for a path that cannot even be looked up."""
    return os.path.isdir(path)  # noqa: PTH112


def place_of(path: Path) -> str:
    """The same text for all ways to write the path of one place; what links lead to stays different."""
    # Where the system ignores letter case, so does this.
    return os.path.normcase(os.path.abspath(path))  # noqa: PTH100 - pathlib keeps ".."


def content_of(path: Path) -> str:
    """The same text for all paths that lead to one file, through links too."""
    return os.path.normcase(os.path.realpath(path))
