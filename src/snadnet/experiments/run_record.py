"""The record of a table's training in its folder: what it was begun with, and, once it is done, what it took."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from snadnet.errors import ConfigError
from snadnet.experiments.plan import PlannedRun
from snadnet.files import write_atomically
from snadnet.training.run import changed_settings

RECORD: Final = "experiment.json"
_FREE: Final = ("checkpoint_minutes", "log_every")
"""Settings that may change while a row is trained, as they change nothing that is learned."""


@dataclass(frozen=True)
class Spent:
    """What a training took.

    Attributes:
        steps: Optimizer steps.
        faces: Faces seen, repetitions counted.
        seconds: Seconds by the clock, over all interruptions.
        scores: The last validation's scores by name.
    """

    steps: int
    faces: int
    seconds: float
    scores: dict[str, float] = field(default_factory=dict)


def begin_record(run: PlannedRun) -> None:
    """Note what a training is begun with, or hold one that goes on to what it was begun with.

    Raises:
        ConfigError: If the folder's training was begun with other settings: its row would not be comparable.
        OSError: If the folder cannot be written.
    """
    record = _read(run.folder)
    now = _settings(run)
    if record is None:
        write_atomically(run.folder / RECORD, _encoded({"settings": now}))
        return
    changed = changed_settings(record["settings"], _known(record["settings"], now))
    if changed:
        raise ConfigError(f"{run.folder}: was begun with other settings ({changed}); set them back, or remove it")


def finish_record(run: PlannedRun, spent: Spent) -> None:
    """Note that a training is done, and what it took."""
    write_atomically(run.folder / RECORD, _encoded({"settings": _settings(run), "spent": asdict(spent)}))


def spent_by(run: PlannedRun) -> Spent | None:
    """Return what a finished training took; None if it is not finished.

    Raises:
        ConfigError: If the record is damaged.
    """
    record = _read(run.folder)
    if record is None or "spent" not in record or not run.weights.is_file():
        return None
    return Spent(**record["spent"])


def progress_of(run: PlannedRun) -> str:
    """Say how far a training is, in a few words."""
    spent = spent_by(run)
    if spent is not None:
        return f"done: {spent.steps} steps, {spent.faces} faces, {spent.seconds / 60:.1f} min"
    try:
        lines = (run.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "to do"
    steps = [record for record in map(_line, lines) if record.get("group") == "train"]
    return f"begun: {steps[-1]['minutes']:.1f} min" if steps else "begun"


def _line(text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except ValueError:  # the line that a crash cut off
        return {}
    return record if isinstance(record, dict) else {}


def _settings(run: PlannedRun) -> dict[str, Any]:
    values = run.settings.model_dump(mode="json", exclude=set(_FREE))
    values["data"].pop("workers")
    return values


def _known(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that there were already when the record was written: a later version may have more."""
    known = {}
    for key, value in now.items():
        if key in before:
            both = isinstance(before[key], Mapping) and isinstance(value, Mapping)
            known[key] = _known(before[key], value) if both else value
    return known


def _read(folder: Path) -> dict[str, Any] | None:
    path = folder / RECORD
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        dict(record["settings"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(f"{path}: is damaged; remove the folder to train this row again") from error
    return record


def _encoded(record: dict[str, Any]) -> bytes:
    return (json.dumps(record, indent=1) + "\n").encode()
