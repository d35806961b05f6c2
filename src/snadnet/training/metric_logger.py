"""The metric logger: a JSONL log, TensorBoard scalars and sample images of a run, and messages for a display."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch.utils.tensorboard import SummaryWriter


class Display(Protocol):
    """Shows a run to whoever started it; the command line brings one, the library has none."""

    def log_message(self, line: str) -> None:
        """Show a line of text."""

    def advance(self, progress: float, state: str) -> None:
        """Show that a fraction of the training, in [0, 1], is done, and a short text beside it."""


class MetricLogger:
    """Logs of a run in ``folder``: ``log.jsonl``, ``tensorboard/`` and ``samples/``. Use it as a context.

    Args:
        folder: The run's folder.
        display: Shown messages and progress too; None shows nothing.
        active: Whether this process writes and shows (in a run of several, only one does).
    """

    def __init__(self, folder: Path, display: Display | None = None, *, active: bool = True) -> None:
        self.folder = folder
        self.active = active
        self._display = display if active else None

    def __enter__(self) -> Self:
        if self.active:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = (self.folder / "log.jsonl").open("a", encoding="utf-8")
            self._board = SummaryWriter(str(self.folder / "tensorboard"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.active:
            self._file.close()
            self._board.close()

    def log_scalars(self, group: str, step: int, values: Mapping[str, float]) -> None:
        """Log numbers of one kind (``"train"``, ``"validation"``) at a step."""
        if not self.active:
            return
        self._write({"step": step, "group": group, **values})
        for name, value in values.items():
            self._board.add_scalar(f"{group}/{name}", value, step)

    def log_image(self, name: str, step: int, image: NDArray[np.uint8]) -> None:
        """Keep a sample image ``(H, W, 3)``, RGB, as ``samples/NAME-STEP.png`` and in TensorBoard."""
        if not self.active:
            return
        folder = self.folder / "samples"
        folder.mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / f"{name}-{step:08d}.png")
        self._board.add_image(name, image, step, dataformats="HWC")

    def log_message(self, line: str) -> None:
        """Log a line of text, and show it."""
        if self.active:
            self._write({"group": "message", "text": line})
        if self._display is not None:
            self._display.log_message(line)

    def advance(self, progress: float, state: str) -> None:
        """Show that a fraction of the training, in [0, 1], is done, and a short text beside it."""
        if self._display is not None:
            self._display.advance(progress, state)

    def _write(self, record: Mapping[str, Any]) -> None:
        self._file.write(json.dumps({"time": round(time.time(), 1), **record}) + "\n")
        self._file.flush()
