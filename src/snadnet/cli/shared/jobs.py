"""Many like jobs with a progress bar: a bad item is named and never stops the others."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated, Final, Generic, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from snadnet.cli.shared.stopping import stop_on_signals
from snadnet.concurrency import StopSignal, in_order
from snadnet.environment import available_cores
from snadnet.errors import SnadnetError

Item = TypeVar("Item")
Result = TypeVar("Result")

Workers = Annotated[int, typer.Option("--workers", min=1, max=256, help="Faces that are worked on at a time.")]
DEFAULT_WORKERS: Final = available_cores()


@dataclass(frozen=True)
class _Outcome(Generic[Result]):
    result: Result | None
    error: str | None


class Jobs:
    """A batch of jobs and what became of it.

    Attributes:
        failed: how many items could not be done; each has been named on standard error.
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
            typer.Exit: after the last result, if a signal stopped it.
        """
        errors = Console(stderr=True, soft_wrap=True)
        progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=errors,
            transient=True,
            disable=not errors.is_terminal,
        )
        brake = StopSignal()

        def outcome(item: Item) -> _Outcome[Result]:
            try:
                return _Outcome(work(item), None)
            except SnadnetError as error:
                return _Outcome(None, str(error))

        with (
            stop_on_signals(brake) as caught,
            closing(in_order(outcome, items, workers=self._workers, stop=brake)) as outcomes,
            progress,
        ):
            for done in progress.track(outcomes, total=len(items), description=self._description):
                if done.error is not None:
                    self.failed += 1
                    errors.print(f"snadnet: {done.error}", markup=False, highlight=False)
                elif done.result is not None:
                    yield done.result
        if caught.exit_code is not None:
            typer.echo("stopped; to go on, give the same command again", err=True)
            raise typer.Exit(caught.exit_code)
