"""What a run tells: a progress bar, a JSONL log, TensorBoard scalars and sample pictures."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch.utils.tensorboard import SummaryWriter


class Journal:
    """Logs of a run in ``folder``: ``log.jsonl``, ``tensorboard/`` and ``samples/``. Use it as a context.

    On a terminal a progress bar with the remaining time is shown; otherwise validation results are printed.

    Args:
        folder: the run's folder.
        active: whether this process writes (in a run of several, only one does).
    """

    def __init__(self, folder: Path, *, active: bool = True) -> None:
        self.folder = folder
        self.active = active
        self.console = Console(quiet=not active, soft_wrap=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[state]}"),
            console=self.console,
            disable=not (active and self.console.is_terminal),
        )
        self._task = self._bar.add_task("training", total=1.0, state="")

    def __enter__(self) -> Self:
        if self.active:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = (self.folder / "log.jsonl").open("a", encoding="utf-8")
            self._board = SummaryWriter(str(self.folder / "tensorboard"))
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        if self.active:
            self._file.close()
            self._board.close()

    def scalars(self, group: str, step: int, values: Mapping[str, float]) -> None:
        """Log numbers of one kind (``"train"``, ``"validation"``) at a step."""
        if not self.active:
            return
        record = {"time": round(time.time(), 1), "step": step, "group": group, **values}
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()
        for name, value in values.items():
            self._board.add_scalar(f"{group}/{name}", value, step)

    def advance(self, share: float, state: str) -> None:
        """Move the progress bar to a share in ``[0, 1]`` and show a short state text."""
        self._bar.update(self._task, completed=share, state=state)

    def say(self, line: str) -> None:
        """Print a line above the progress bar."""
        self.console.print(line, markup=False, highlight=False)

    def sample(self, name: str, step: int, picture: NDArray[np.uint8]) -> None:
        """Keep a sample picture ``(H, W, 3)``, RGB, as ``samples/NAME-STEP.png`` and in TensorBoard."""
        if not self.active:
            return
        folder = self.folder / "samples"
        folder.mkdir(exist_ok=True)
        Image.fromarray(picture).save(folder / f"{name}-{step:08d}.png")
        self._board.add_image(name, picture, step, dataformats="HWC")
