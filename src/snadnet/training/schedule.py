"""How far a training has come, by steps or by the clock, and the learning rate there."""

import math
import time
from dataclasses import dataclass

from snadnet.training.config import ScheduleSettings


@dataclass
class Progress:
    """Steps done and seconds trained, over all interruptions.

    Attributes:
        settings: how long to train.
        step: optimizer steps done.
        elapsed: seconds trained before this start of the run.
    """

    settings: ScheduleSettings
    step: int = 0
    elapsed: float = 0.0

    def __post_init__(self) -> None:
        self._started = time.monotonic()

    def seconds(self) -> float:
        """Seconds trained until now."""
        return self.elapsed + time.monotonic() - self._started

    def share(self) -> float:
        """How much of the training is done, in ``[0, 1]``."""
        shares = [0.0]
        if self.settings.steps is not None:
            shares.append(self.step / self.settings.steps)
        if self.settings.time_budget is not None:
            shares.append(self.seconds() / self.settings.time_budget)
        return min(1.0, max(shares))

    def learning_rate_factor(self) -> float:
        """What to multiply the learning rate by: linear warm-up, then a half cosine down to the floor."""
        warm = min(1.0, (self.step + 1) / self.settings.warmup) if self.settings.warmup else 1.0
        floor = self.settings.floor
        return warm * (floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * self.share())))
