"""How long each row of a table is trained: by the clock, or by the faces that it sees."""

import re
from dataclasses import dataclass
from typing import Any

from snadnet.errors import ConfigError
from snadnet.training.config import parse_duration

_FACES = re.compile(r"(\d+)\s*faces")


@dataclass(frozen=True)
class Budget:
    """What each row may spend; one of the two is None.

    Attributes:
        seconds: Seconds of training.
        faces: Faces seen, repetitions counted.
    """

    seconds: float | None = None
    faces: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """Return the budget that ``30m``, ``2h``, ``45s`` or ``20000faces`` says.

        Raises:
            ConfigError: If it is neither.
        """
        match = _FACES.fullmatch(text.strip().lower())
        if match and int(match[1]):
            return cls(faces=int(match[1]))
        try:
            return cls(seconds=parse_duration(text))
        except ValueError as error:
            raise ConfigError(f"--budget {text}: write it like 30m, 2h or 20000faces") from error

    def __str__(self) -> str:
        if self.seconds is None:
            return f"{self.faces}faces"
        whole = round(self.seconds)
        for unit, length in (("h", 3600), ("m", 60)):
            if whole == self.seconds and whole % length == 0:
                return f"{whole // length}{unit}"
        return f"{self.seconds:g}s"

    def part(self, share: float) -> "Budget":
        """Return a share of it, at least one face."""
        if self.faces is not None:
            return Budget(faces=max(1, round(self.faces * share)))
        assert self.seconds is not None
        return Budget(seconds=self.seconds * share)

    def schedule(self) -> dict[str, Any]:
        """The settings of a schedule that ends with it."""
        return {"steps": None, "time_budget": self.seconds, "faces": self.faces}
