"""Training on what is made once and kept on disk."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from accelerate import Accelerator
from pydantic import Field

from snadnet.data.dataset import SizeShare
from snadnet.errors import ConfigError
from snadnet.training.config import StrictSettings
from snadnet.training.run import Run
from snadnet.training.run_lock import run_lock


class KeptSettings(StrictSettings):
    """What is kept on disk; what is missing is made before the training.

    Attributes:
        folder: Where it is kept.
        faces: How many of each image size that is trained on, at least; more that are there are trained on too.
    """

    folder: Path
    faces: dict[int, int] = Field(min_length=1)

    def counts(self, sizes: Sequence[SizeShare], accelerator: Accelerator, name: str) -> dict[int, int]:
        """Return how many faces there are to be of each size that is trained on.

        Args:
            sizes: The sizes.
            accelerator: Of the run.
            name: Of these settings, for messages.

        Raises:
            ConfigError: If a size has none, or fewer than a batch, or the run has several processes.
        """
        counts = {entry.size: self.faces.get(entry.size, 0) for entry in sizes}
        if lacking := [size for size, count in counts.items() if count < 1]:
            raise ConfigError(f"{name}.faces says of no faces of {lacking[0]} px, which data.sizes asks for")
        if small := [entry for entry in sizes if counts[entry.size] < entry.batch_size]:
            raise ConfigError(
                f"{name}.faces: {counts[small[0].size]} faces of {small[0].size} px do not fill a batch of "
                f"{small[0].batch_size} (data.sizes)"
            )
        if accelerator.num_processes > 1:
            raise ConfigError(f"{name} are for one process; leave them out, or train in one")
        return counts


def all_made(builds: Iterator[dict[int, int]], folder: Path, run: Run, name: str) -> bool:
    """Make what is missing before the training, until the run is to stop; no other run may make it there.

    Args:
        builds: Makes it, and yields how many there are of each size.
        folder: Where it is kept.
        run: The run; its clock stands still meanwhile.
        name: What it is, for its log.

    Returns:
        Whether all is there.

    Raises:
        ConfigError: If another run makes it there.
        DataError: If it cannot be made or written.
    """
    with run_lock(folder), run.clock.paused():
        for made in builds:
            run.logger.log_message(f"{name}: {made}")
            if run.stop.reason is not None:
                return False
    return run.stop.reason is None


class Draw(NamedTuple):
    """What a step is trained on.

    Attributes:
        place: That of its size, of those that are trained on.
        numbers: Those of its samples.
        symmetry: In which symmetry of the square they are given.
    """

    place: int
    numbers: list[int]
    symmetry: int


def draws(
    sizes: Sequence[SizeShare], counts: Sequence[int], *, symmetries: int, seed: int, start: int
) -> Iterator[Draw]:
    """Yield what steps are trained on, without end; each depends on its number alone.

    Args:
        sizes: The sizes, with their batches and how often each is drawn.
        counts: How many samples there are of each.
        symmetries: How many symmetries of the square to draw from.
        seed: Of the run.
        start: The first step's number.
    """
    shares = np.array([entry.share for entry in sizes])
    step = start
    while True:
        rng = np.random.default_rng([seed, step])
        place = int(rng.choice(len(sizes), p=shares / shares.sum()))
        numbers = rng.choice(counts[place], sizes[place].batch_size, replace=False)
        yield Draw(place, numbers.tolist(), int(rng.integers(symmetries)))
        step += 1
