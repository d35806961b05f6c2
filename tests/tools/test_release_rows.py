"""Releasing the rows of the tables: which of them are trained, and what is written of them."""

from pathlib import Path

import pytest

import release_rows
from snadnet.experiments import Budget, find_definition, make_plan, read_definition
from snadnet.experiments.run_record import Spent, begin_record, finish_record

ROOT = Path(__file__).parents[2]
BUDGET = Budget(seconds=60)


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def finish(runs: Path, table: str, name: str) -> Path:
    """Make a training look finished, and return its weights."""
    place = find_definition(table, "tiny")
    plan = make_plan(read_definition(place), place, BUDGET, runs, data=Path("data"))
    run = next(run for run in plan.runs if run.name == name)
    begin_record(run)
    run.weights.write_bytes(b"weights")
    finish_record(run, Spent(1, 4, 60.0))
    return run.weights


def test_every_row_of_the_tables_has_a_name_and_only_trained_ones_are_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = release_rows.finished_rows(tmp_path, BUDGET, "tiny")
    assert len(rows) == 13
    assert not any(rows.values())
    trained = {"dmphn-tiny": finish(tmp_path, "table-1", "dmphn-seed1")}
    finish(tmp_path, "table-3", "bnad-seed2")  # of two seeds the first is released
    # One training of two tables.
    trained["snadnet-tiny"] = finish(tmp_path, "table-3", "snadnet-seed1")

    released = {}

    def release(weights: Path, name: str) -> None:
        released[name] = weights
        for suffix in (".safetensors", ".onnx"):
            (tmp_path / f"{name}{suffix}").write_bytes(b"x" * 600_000)

    monkeypatch.setattr(release_rows, "release", release)
    monkeypatch.setattr(release_rows.subprocess, "run", lambda *_, **__: None)
    monkeypatch.setattr(release_rows, "FOLDER", tmp_path)
    release_rows.main(tmp_path, budget="60s", scale="tiny")
    assert released == trained
    told = capsys.readouterr().out
    assert told.startswith("2 rows, 1.2 MB and graphs of 1.2 MB; not trained: ")
    assert "snadnet-tiny-bnad" in told
