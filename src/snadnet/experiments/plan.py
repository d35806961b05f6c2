"""The trainings that a table needs, with their checked settings, before any of them begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from snadnet.errors import ConfigError
from snadnet.experiments.budget import Budget
from snadnet.experiments.definition import Row, TableDefinition
from snadnet.training.config import RunSettings
from snadnet.training.config_files import merge_settings, read_settings, with_overrides
from snadnet.training.recipes import recipe_settings
from snadnet.training.run import changed_settings

WEIGHTS: Final = "weights.safetensors"
_SHARED: Final = ("data", "validation", "precision", "ema_decay")
"""Settings that must be the same for all rows of a table."""

_REPLACED: Final = ("data", "validation")
"""Settings of a configuration file that those of a table replace as a whole."""

_OWN: Final[Any] = {"data": {"workers": True, "sizes": {"__all__": {"batch_size"}}, "sources": {"__all__": {"labels"}}}}
"""Those among them that may be each row's own; only some methods need label maps."""


@dataclass(frozen=True)
class PlannedRun:
    """A training.

    Attributes:
        name: Of its folder.
        folder: Where it is kept.
        settings: All of its settings.
        budget: What it may spend.
        needs: The trainings, by name, whose weights its settings name.
    """

    name: str
    folder: Path
    settings: RunSettings
    budget: Budget
    needs: tuple[str, ...] = ()

    @property
    def weights(self) -> Path:
        """The file of its weights, once it is trained."""
        return self.folder / WEIGHTS


@dataclass(frozen=True)
class PlannedRow:
    """A row of a table and its trainings, one for each seed."""

    name: str
    row: Row
    runs: tuple[PlannedRun, ...]


@dataclass(frozen=True)
class Plan:
    """What a table needs.

    Attributes:
        definition: The table, its folders of data filled in.
        budget: What each row may spend with its stages.
        folder: Where all of its trainings are kept.
        stages: The networks that are trained first.
        rows: The rows.
    """

    definition: TableDefinition
    budget: Budget
    folder: Path
    stages: tuple[PlannedRun, ...]
    rows: tuple[PlannedRow, ...]

    @property
    def runs(self) -> tuple[PlannedRun, ...]:
        """All trainings in their order."""
        return (*self.stages, *(run for row in self.rows for run in row.runs))


def make_plan(
    definition: TableDefinition,
    place: Path,
    budget: Budget,
    folder: Path,
    *,
    data: Path,
    overrides: Sequence[str] = (),
) -> Plan:
    """Check the settings of all trainings of a table.

    Args:
        definition: The table.
        place: The file that it was read from; configuration files are relative to it.
        budget: What each row may spend with its stages.
        folder: Where trainings are kept; those of one budget have a folder of their own in it.
        data: The folder of the data sets.
        overrides: Settings like ``data.workers=0`` of every training.

    Raises:
        ConfigError: If a setting is missing, unknown or out of range, or rows are not to be trained on the same.
    """
    folder = folder / str(budget)
    test = definition.test
    rooted = {"images": data / test.images, "labels": None if test.labels is None else data / test.labels}
    definition = definition.model_copy(update={"test": test.model_copy(update=rooted)})

    def planned(
        name: str, config: Path, layers: Sequence[Mapping[str, Any]], part: Budget, needs: tuple[str, ...] = ()
    ) -> PlannedRun:
        path = place.parent / config
        values: dict[str, Any] = read_settings(path)
        # Whole, so that nothing of a file's own faces and blur is mixed in.
        values |= {key: layers[0][key] for key in _REPLACED if key in layers[0]}
        for layer in (*layers, {"schedule": part.schedule()}):
            values = merge_settings(values, layer)
        values = with_overrides(values, overrides)
        _root_sources(values, data, path)
        return PlannedRun(name, folder / name, recipe_settings(values, path), part, needs)

    stages = {
        name: planned(name, stage.config, (stage.settings, {"seed": stage.seed}), budget.part(stage.share))
        for name, stage in definition.stages.items()
    }
    rows = []
    for name, row in definition.rows.items():
        given: dict[str, Any] = {setting: str(stages[stage].weights) for setting, stage in row.stages.items()}
        needs = tuple(dict.fromkeys(row.stages.values()))
        runs = tuple(
            planned(
                f"{name}-seed{seed}",
                row.config,
                (definition.common, row.settings, given, {"seed": seed}),
                budget.part(row.share),
                needs,
            )
            for seed in row.seeds
        )
        rows.append(PlannedRow(name, row, runs))
    _check_alike([run for row in rows for run in row.runs])
    needed = [stage for name, stage in stages.items() if any(name in run.needs for row in rows for run in row.runs)]
    return Plan(definition, budget, folder, tuple(needed), tuple(rows))


def _root_sources(values: dict[str, Any], data: Path, path: Path) -> None:
    """Let folders of faces be looked for in the folder of data."""
    try:
        for source in values["data"]["sources"]:
            source |= {key: str(data / source[key]) for key in ("images", "labels") if source.get(key) is not None}
    except (KeyError, TypeError) as error:
        raise ConfigError(f"{path}: data.sources: give folders of faces in the table's definition") from error


def _check_alike(runs: Sequence[PlannedRun]) -> None:
    """Refuse rows that are not trained and validated on the same faces; a batch may be of each method's own size.

    Raises:
        ConfigError: If two differ; it names them and the setting.
    """
    first, *others = (run.settings.model_dump(mode="json", include=set(_SHARED), exclude=_OWN) for run in runs)
    for run, shared in zip(runs[1:], others, strict=True):
        difference = changed_settings(first, shared)
        if difference:
            raise ConfigError(f"{run.name}: is not trained as {runs[0].name}: {difference}; put it into common")
