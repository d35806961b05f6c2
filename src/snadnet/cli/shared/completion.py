"""Shell completion of options that take a name or a file.

Where a function here offers nothing, the shell offers its own file names.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from snadnet.errors import SnadnetError

if TYPE_CHECKING:
    from snadnet.inference.releases import Task


def complete_weights(incomplete: str) -> list[str]:
    """Names of released deblurring networks, or nothing once something else was begun."""
    return _released("deblurring", incomplete)


def complete_parsers(incomplete: str) -> list[str]:
    """Names of released face parsers, or nothing once something else was begun."""
    return _released("parsing", incomplete)


def complete_configs(incomplete: str) -> list[str]:
    """YAML files, and the folders on the way to them."""
    begun = Path(incomplete)
    folder = begun if incomplete.endswith("/") or not incomplete else begun.parent
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    offered = [
        f"{entry}/" if entry.is_dir() else str(entry)
        for entry in entries
        if not entry.name.startswith(".") and (entry.is_dir() or entry.suffix in (".yaml", ".yml"))
    ]
    return [text for text in offered if text.startswith(incomplete)]


def _released(task: "Task", incomplete: str) -> list[str]:
    from snadnet.inference.releases import selectable_names  # noqa: PLC0415 (only for completion)

    try:
        names = selectable_names(task)
    except SnadnetError:  # a damaged installation is for the command itself to report
        return []
    return [name for name in names if name.startswith(incomplete)]
