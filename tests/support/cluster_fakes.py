"""Deblurrers and places for results that go wrong, for the workers of a cluster."""

import errno
import os
import signal
from pathlib import Path

from snadnet.batch.storage import LocalStorage
from snadnet.errors import PhotoError
from support.cli_fakes import FakeDeblurrer

DEADLY = 66
"""First pixel's red of a photo whose process dies, as when the system runs out of memory."""

DEADLY_ONCE = 67
"""Likewise, but only the first time."""


class MortalDeblurrer(FakeDeblurrer):
    """Inverts photos, and dies of some."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def restore(self, photo, **options):
        red = int(photo.pixels[0, 0, 0])
        died_before = self.folder / "died"
        if red == DEADLY or (red == DEADLY_ONCE and not died_before.exists()):
            died_before.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if red == DEADLY_ONCE:
            photo.pixels[0, 0, 0] = 10
        return super().restore(photo, **options)


class FullStorage(LocalStorage):
    """A disk that is full from the second photo on."""

    def write(self, content, target, *, overwrite):
        if target.parent.is_dir():
            raise PhotoError(f"{target}: cannot be written") from OSError(errno.ENOSPC, "No space left on device")
        super().write(content, target, overwrite=overwrite)
