"""What a table is made of, as data: its test faces, what all of its rows share, and each row's configuration file."""

from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from snadnet.data.protocols import PROTOCOLS
from snadnet.errors import ConfigError
from snadnet.training.config import StrictSettings
from snadnet.training.config_files import check_settings, read_settings

DEFINITIONS: Final = Path("configs/reproduce")
"""Where the definitions of the paper's tables lie in a clone of the repository: ``TABLE-SCALE.yaml``."""

_ROUNDING: Final = 1e-9

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
"""A part of a folder's name."""


class EvaluationFaces(StrictSettings):
    """The faces that every row of a table is scored on.

    Attributes:
        protocol: How they are blurred.
        images: Their folder, in the folder of data.
        labels: The folder of their label maps, if there is one.
        last: So many, the last by name; all if left out.
    """

    protocol: str
    images: Path
    labels: Path | None = None
    last: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.protocol not in PROTOCOLS:
            raise ValueError(f"there is no protocol {self.protocol!r}; choose of: {', '.join(PROTOCOLS)}")
        return self


class Stage(StrictSettings):
    """A network that rows are conditioned on, trained before them.

    Attributes:
        config: Its configuration file, relative to the definition.
        share: Its part of the budget.
        seed: Of its training.
        settings: Settings over those of the file; its ``data`` and ``validation`` are replaced as a whole.
    """

    config: Path
    share: float = Field(gt=0, lt=1)
    seed: int = Field(1, ge=0)
    settings: dict[str, Any] = Field(default_factory=dict)


class Row(StrictSettings):
    """A method of a table.

    Attributes:
        title: Its name in the table.
        paper: The paper's row that stands beside it, by its name in `snadnet.evaluation.report.published`; None for
            a method that the paper does not have.
        config: Its configuration file, relative to the definition.
        share: Its part of the budget; what its stages take comes on top.
        stages: The stages whose weights it is given: the setting, and the stage.
        seeds: It is trained once by each; the table has the mean.
        settings: Settings over those of the file and of `TableDefinition.common`.
        release: The name under which its weights go into the package; None for a row that stays out.
    """

    title: str
    paper: str | None = None
    config: Path
    share: float = Field(1.0, gt=0, le=1)
    stages: dict[str, str] = Field(default_factory=dict)
    seeds: list[Annotated[int, Field(ge=0)]] = Field(default=[1], min_length=1)
    settings: dict[str, Any] = Field(default_factory=dict)
    release: Name | None = None


class Question(StrictSettings):
    """What a table is to answer: is one row better than others?

    Attributes:
        ask: In words.
        row: The row that is said to be better.
        others: The rows that it is compared with.
    """

    ask: str
    row: str
    others: list[str] = Field(min_length=1)


class TableDefinition(StrictSettings):
    """A table to make.

    Attributes:
        title: Its title.
        test: What all rows are scored on.
        common: Settings that all rows share: faces, augmentation, blur, validation. ``data`` and ``validation`` replace
            those of each file as a whole.
        stages: Networks that are trained before the rows, by name.
        rows: The methods by name, which is also that of the run's folder, so that tables share what is trained alike.
        questions: What the table is to answer.
        notes: What a reader has to know, printed below.
    """

    title: str
    test: EvaluationFaces
    common: dict[str, Any]
    stages: dict[Name, Stage] = Field(default_factory=dict)
    rows: dict[Name, Row] = Field(min_length=1)
    questions: list[Question] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, row in self.rows.items():
            unknown = [stage for stage in row.stages.values() if stage not in self.stages]
            if unknown:
                raise ValueError(f"rows.{name}.stages: there is no stage {unknown[0]!r}")
            if self.share_of(name) > 1 + _ROUNDING:
                raise ValueError(f"rows.{name}.share: with its stages it takes more than the budget")
        for question in self.questions:
            unknown = [name for name in (question.row, *question.others) if name not in self.rows]
            if unknown:
                raise ValueError(f"questions: there is no row {unknown[0]!r}")
        return self

    def share_of(self, row: str) -> float:
        """How much of the budget a row takes with its stages."""
        stages = set(self.rows[row].stages.values())
        return self.rows[row].share + sum(self.stages[stage].share for stage in stages)


def find_definition(table: str, scale: str) -> Path:
    """Return the file that defines a table.

    Args:
        table: ``table-1`` to ``table-3``, defined in `DEFINITIONS` of the current folder, or a YAML file.
        scale: ``tiny`` or ``paper``; of no account for a file.

    Raises:
        ConfigError: If there is no such definition.
    """
    if Path(table).suffix in (".yaml", ".yml"):
        return Path(table)
    path = DEFINITIONS / f"{table}-{scale}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in DEFINITIONS.glob("table-*.yaml")))
        remedy = f"there are {known}" if known else "run it in a clone of snadnet's repository"
        raise ConfigError(f"{path}: no such table; {remedy}, or give a YAML file")
    return path


def read_definition(path: Path) -> TableDefinition:
    """Read a table's definition, a YAML file that may extend others.

    Raises:
        ConfigError: If it cannot be read, or something in it is missing, unknown or contradictory.
    """
    return check_settings(TableDefinition, read_settings(path), path)
