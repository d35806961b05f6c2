"""Checks of output files, made before hours of work at whose end the result could not be written."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path

import typer

from snadnet.errors import OutputExistsError
from snadnet.photo import printable


def check_outputs(outputs: Collection[Path], suffixes: Collection[str], *, overwrite: bool) -> None:
    """Check the files that ``--output`` names.

    Args:
        outputs: The files to write.
        suffixes: The endings that can be written, lower case, with their dot.
        overwrite: Whether existing files may be replaced.

    Raises:
        BadParameter: If a file's ending is none of ``suffixes``.
        OutputExistsError: If a file exists already and must not be replaced.
    """
    for path in outputs:
        if path.suffix.lower() not in suffixes:
            endings = ", ".join(suffixes)
            raise typer.BadParameter(f"{printable(path)}: end the name with one of {endings}", param_hint="--output")
    refuse_existing(outputs, overwrite=overwrite)


def refuse_existing(outputs: Iterable[Path], *, overwrite: bool) -> None:
    """Refuse to replace a file without being asked to.

    Raises:
        OutputExistsError: If a file exists already and ``overwrite`` is false.
    """
    if overwrite:
        return
    for path in outputs:
        if os.path.lexists(path):
            raise OutputExistsError(f"{printable(path)}: exists already; choose another name or pass --overwrite")
