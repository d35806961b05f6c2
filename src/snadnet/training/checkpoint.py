"""Checkpoints: one file each, written so that a crash at any moment leaves the one before it whole."""

import io
import logging
from pathlib import Path
from typing import Any

import torch

from snadnet.errors import WeightsError
from snadnet.files import write_atomically
from snadnet.models.checkpoint_io import read_torch_file

_LOG = logging.getLogger(__name__)
_PATTERN = "step-*.pt"


class Checkpoints:
    """The checkpoints of a run: numbered files in one folder, of which the last two are kept.

    A checkpoint is data (tensors, numbers, text): it is read by `read_torch_file`.
    """

    def __init__(self, folder: Path, *, keep: int = 2) -> None:
        self.folder = folder
        self.keep = keep

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(_PATTERN))

    def save(self, step: int, state: dict[str, Any]) -> Path:
        """Write a checkpoint and remove those beyond the number to keep.

        Raises:
            OSError: If the disk is full or the folder cannot be written; older checkpoints are untouched.
        """
        buffer = io.BytesIO()
        torch.save(state, buffer)
        path = self.folder / f"step-{step:09d}.pt"
        write_atomically(path, buffer.getvalue())
        for old in self._files()[: -self.keep]:
            old.unlink()
        return path

    def load_latest(self) -> dict[str, Any] | None:
        """Return the newest readable checkpoint's state, or None if there is no checkpoint at all.

        Remains of interrupted writes are removed. A damaged file (a failing disk, a cut copy) is passed over with
        a warning.

        Raises:
            WeightsError: If there are checkpoints and none can be read.
        """
        for remains in self.folder.glob(".step-*.tmp"):
            remains.unlink(missing_ok=True)
        files = self._files()
        for path in reversed(files):
            try:
                return read_torch_file(path)
            except WeightsError as error:
                _LOG.warning("checkpoint passed over: %s", error)
        if files:
            raise WeightsError(f"{self.folder}: no checkpoint in it can be read; remove the folder to start again")
        return None
