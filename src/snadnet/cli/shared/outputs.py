"""Checks of output files, made before hours of work at whose end the result could not be written."""

from collections.abc import Collection
from pathlib import Path

import typer

from snadnet.batch.storage import refuse_existing
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
