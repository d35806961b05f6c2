"""The progress bar of every verb that takes long."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class ProgressDisplay:
    """A running bar, or none, from `show_progress`."""

    def __init__(self, bar: "tuple[Progress, TaskID] | None" = None) -> None:
        self._bar = bar

    def advance(self, count: int = 1) -> None:
        """Count so many items as done."""
        if self._bar is not None:
            bar, task = self._bar
            bar.start()  # does nothing where it runs already
            bar.advance(task, count)

    def update(self, completed: float, state: str = "") -> None:
        """Move the bar to where the work stands, and show a few words on its state behind it."""
        if self._bar is not None:
            bar, task = self._bar
            bar.start()
            bar.update(task, completed=completed, state=state)


@contextmanager
def show_progress(
    description: str, total: float, *, as_percentage: bool = False, from_start: bool = True, hidden: bool = False
) -> Iterator[ProgressDisplay]:
    """Show a bar with the remaining time on standard error while the work goes on, if that is a terminal.

    Lines that are printed meanwhile appear above the bar, whole; the bar is gone at the end.

    Args:
        description: What is being done, such as "Evaluating faces".
        total: How much there is to do: a number of items, or 1.0 for a fraction.
        as_percentage: Show how much is done as a percentage rather than as "3/10".
        from_start: Show the bar at once, rather than with the first progress.
        hidden: Show nothing, such as where there is a single item.
    """
    if hidden or not is_terminal(sys.stderr):
        yield ProgressDisplay()
        return
    from rich.console import Console  # noqa: PLC0415 (loaded when there is something to show)
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn() if as_percentage else MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[state]}"),
        console=Console(stderr=True, soft_wrap=True),
        transient=True,
        # What is sent to a file or another program must arrive there, and not on the terminal.
        redirect_stdout=is_terminal(sys.stdout),
    )
    task = bar.add_task(description, total=total, state="")
    try:
        if from_start:
            bar.start()
        yield ProgressDisplay((bar, task))
    finally:
        bar.stop()


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a standard stream is there (a service may have none) and is a terminal."""
    return stream is not None and stream.isatty()
