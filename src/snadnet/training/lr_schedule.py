"""The progress of a training, by steps, by the clock or by faces, and the learning rate that belongs to it."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from snadnet.training.config import ScheduleSettings


@dataclass
class Clock:
    """Steps done, faces seen and seconds trained, over all interruptions.

    Attributes:
        settings: How long to train.
        step: Optimizer steps done.
        faces: Faces trained on, repetitions counted.
        elapsed: Seconds trained before this start of the run.
    """

    settings: ScheduleSettings
    step: int = 0
    faces: int = 0
    elapsed: float = 0.0

    def __post_init__(self) -> None:
        self._started = time.monotonic()

    def seconds(self) -> float:
        """Return the seconds trained until now."""
        return self.elapsed + time.monotonic() - self._started

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Count none of the time within: what is done before the first step is no training."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._started += time.monotonic() - began

    def progress(self) -> float:
        """Return how much of the training is done, in [0, 1]."""
        fractions = [0.0]
        if self.settings.steps is not None:
            fractions.append(self.step / self.settings.steps)
        if self.settings.time_budget is not None:
            fractions.append(self.seconds() / self.settings.time_budget)
        if self.settings.faces is not None:
            fractions.append(self.faces / self.settings.faces)
        return min(1.0, max(fractions))


def learning_rate_factor(settings: ScheduleSettings, step: int, progress: float) -> float:
    """Return what to multiply the learning rate by: linear warm-up, then the decay that the settings name.

    Args:
        settings: The schedule.
        step: Optimizer steps done.
        progress: How much of the training is done, in [0, 1].
    """
    warm = min(1.0, (step + 1) / settings.warmup) if settings.warmup else 1.0
    decayed = max(0.0, (progress - settings.hold) / (1.0 - settings.hold))
    return warm * (settings.floor + (1.0 - settings.floor) * _remaining(settings, decayed))


def _remaining(settings: ScheduleSettings, decayed: float) -> float:
    """Return the fraction of the learning rate that remains after a fraction of the decay, both in [0, 1]."""
    if settings.decay == "linear":
        return 1.0 - decayed
    if settings.decay == "plateaus":
        plateau = min(int(decayed * settings.plateaus), settings.plateaus - 1)
        return float(settings.factor**plateau)
    return 0.5 * (1.0 + math.cos(math.pi * decayed))
