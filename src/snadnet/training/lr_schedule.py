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
        """What to multiply the learning rate by: linear warm-up, then the decay that the settings name."""
        settings = self.settings
        warm = min(1.0, (self.step + 1) / settings.warmup) if settings.warmup else 1.0
        decayed = max(0.0, (self.share() - settings.hold) / (1.0 - settings.hold))
        return warm * (settings.floor + (1.0 - settings.floor) * _left(settings, decayed))


def _left(settings: ScheduleSettings, decayed: float) -> float:
    """How much of the learning rate is left when a share of the decay is over, both in ``[0, 1]``."""
    if settings.decay == "linear":
        return 1.0 - decayed
    if settings.decay == "plateaus":
        plateau = min(int(decayed * settings.plateaus), settings.plateaus - 1)
        return float(settings.factor**plateau)
    return 0.5 * (1.0 + math.cos(math.pi * decayed))
