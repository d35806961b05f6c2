"""Put the trained rows of the tables into the package: what `snadnet reproduce` trained, under its released names.

    python tools/release_rows.py runs/tables --budget 30m

Every row with a `release` in configs/reproduce/ whose training is finished; of several seeds the first. The catalogue
is written again. Names the rows that are missing, and what all of it takes.
"""

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from release_weights import FOLDER, release
from snadnet.errors import SnadnetError
from snadnet.experiments import Budget, PlannedRow, find_definition, make_plan, read_definition
from snadnet.experiments.run_record import spent_by

TABLES: Final = ("table-1", "table-2", "table-3")
LARGEST: Final = 25_000_000
"""Bytes that the weights of all released rows may take together."""


def finished_rows(runs: Path, budget: Budget, scale: str) -> dict[str, PlannedRow | None]:
    """Return the rows of all tables by their released names; None for one that is not trained."""
    found: dict[str, PlannedRow | None] = {}
    for table in TABLES:
        place = find_definition(table, scale)
        plan = make_plan(read_definition(place), place, budget, runs, data=Path("data"))
        for row in plan.rows:
            if row.row.release is not None:
                trained = spent_by(row.runs[0]) is not None
                found[row.row.release] = row if trained else found.get(row.row.release)
    return found


def main(
    runs: Annotated[Path, typer.Argument(help="The folder that was given to snadnet reproduce as -r.")],
    *,
    budget: Annotated[str, typer.Option(help="The budget that the rows were trained under.")] = "30m",
    scale: Annotated[str, typer.Option(help="Their scale.")] = "tiny",
) -> None:
    """Release every finished row, and write the catalogue again."""
    rows = finished_rows(runs, Budget.parse(budget), scale)
    for name, row in rows.items():
        if row is not None:
            release(row.runs[0].weights, name)
    names = [name for name, row in rows.items() if row is not None]
    size, graphs = (
        sum((FOLDER / f"{name}{suffix}").stat().st_size for name in names) for suffix in (".safetensors", ".onnx")
    )
    missing = [name for name, row in rows.items() if row is None]
    typer.echo(
        f"{len(names)} rows, {size / 1e6:.1f} MB and graphs of {graphs / 1e6:.1f} MB; "
        f"not trained: {', '.join(missing) or 'none'}"
    )
    subprocess.run([sys.executable, "-m", "snadnet.models.listing"], check=True)
    if size > LARGEST:
        raise typer.BadParameter(f"{size} bytes are over the limit of {LARGEST}; release fewer rows")


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
