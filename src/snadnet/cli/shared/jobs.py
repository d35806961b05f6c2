"""Many like jobs with a progress bar: a bad item is named and never stops the others."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Generic, TypeVar

import typer

from snadnet.cli.shared.progress import show_progress
from snadnet.cli.shared.stopping import stop_on_signals
from snadnet.concurrency import StopSignal, in_order
from snadnet.errors import SnadnetError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class _Outcome(Generic[Result]):
    result: Result | None
    error: str | None


class Jobs:
    """A batch of jobs and their outcome.

    Attributes:
        failed: How many items could not be done; each has been named on standard error.
    """

    def __init__(self, description: str, *, workers: int) -> None:
        self.failed = 0
        self._description = description
        self._workers = workers

    def run(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Do the work for each item, several at a time, and yield what succeeded in the order of the items.

        An item whose work raises a SnadnetError is named and left out. After Ctrl-C or SIGTERM what was begun is
        finished and yielded.

        Raises:
            Exit: If a signal stopped it, after the last result.
        """
        stop = StopSignal()

        def outcome(item: Item) -> _Outcome[Result]:
            try:
                return _Outcome(work(item), None)
            except SnadnetError as error:
                return _Outcome(None, str(error))

        with (
            stop_on_signals(stop) as caught,
            closing(in_order(outcome, items, workers=self._workers, stop=stop)) as outcomes,
            show_progress(self._description, len(items)) as progress,
        ):
            for done in outcomes:
                progress.advance()
                if done.error is not None:
                    self.failed += 1
                    print(f"snadnet: {done.error}", file=sys.stderr, flush=True)
                elif done.result is not None:
                    yield done.result
        if caught.exit_code is not None:
            typer.echo("stopped; to go on, give the same command again", err=True)
            raise typer.Exit(caught.exit_code)
