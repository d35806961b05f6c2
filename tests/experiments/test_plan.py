"""Definitions of tables, those of the paper and others, and the trainings that they need."""

from pathlib import Path

import pytest
import yaml

from snadnet.data.degradation import Degradation
from snadnet.errors import ConfigError
from snadnet.experiments import Budget, Plan, find_definition, make_plan, read_definition

ROOT = Path(__file__).parents[2]
DEFINED = sorted((ROOT / "configs" / "reproduce").glob("table-*-*[!s].yaml"))
ROW = {"title": "A", "config": "row.yaml"}
TABLE = {"title": "T", "test": {"protocol": "celeba", "images": "faces"}, "common": {}, "rows": {"a": ROW}}


def plan_of(path: Path, *overrides: str) -> Plan:
    return make_plan(
        read_definition(path), path, Budget(seconds=100), Path("runs"), data=Path("/data"), overrides=overrides
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "row.yaml").write_text(
        "recipe: regression\nmodel: nafnet-tiny\nlosses: {l1: 1}\nschedule: {steps: 5}\n"
        "data: {sources: [{images: faces, hold_out: 2}]}\n"
    )
    return tmp_path


def define(folder: Path, **changes: object) -> Path:
    path = folder / "table.yaml"
    path.write_text(yaml.safe_dump({**TABLE, **changes}))
    return path


@pytest.mark.parametrize("path", DEFINED, ids=lambda path: path.stem)
def test_the_tables_of_the_paper_are_defined(path: Path) -> None:
    plan = plan_of(path)
    runs = [run for row in plan.rows for run in row.runs]
    first = runs[0].settings
    for run in runs:
        # The same faces, blur and validation for all; each by its own recipe.
        own = run.settings.data.model_dump(exclude={"sizes"})
        assert (own, run.settings.validation) == (first.data.model_dump(exclude={"sizes"}), first.validation)
        assert [each.size for each in run.settings.data.sizes] == [each.size for each in first.data.sizes]
        assert (run.settings.schedule.steps, run.settings.schedule.faces) == (None, None)
    assert all(Path("/data") in source.images.parents for source in first.data.sources)
    assert all(plan.definition.share_of(row.name) <= 1 for row in plan.rows)


def test_what_a_row_takes_with_its_stages_is_the_budget() -> None:
    plan = plan_of(ROOT / "configs/reproduce/table-1-tiny.yaml")
    budgets = {run.name: run.budget.seconds for run in plan.runs}
    assert budgets["nafnet-seed1"] == budgets["snadnet-seed1"] + budgets["parser"] == 100  # type: ignore[operator]
    snadnet = next(run for run in plan.runs if run.name == "snadnet-seed1")
    assert snadnet.settings.parser == Path("runs/100s/parser/weights.safetensors")  # type: ignore[attr-defined]
    assert snadnet.needs == ("parser",)


def test_tables_share_what_they_train_alike() -> None:
    plans = [plan_of(ROOT / f"configs/reproduce/table-{number}-tiny.yaml") for number in (1, 2, 3)]
    runs = [{run.name: run.settings for run in plan.runs} for plan in plans]
    assert runs[0] == runs[1]
    shared = runs[0].keys() & runs[2].keys()
    assert shared == {"parser", "snadnet-seed1"}
    assert all(runs[0][name] == runs[2][name] for name in shared)


def test_the_rows_of_table_iii_are_what_the_paper_compares() -> None:
    rows = {row.name: row for row in plan_of(ROOT / "configs/reproduce/table-3-tiny.yaml").rows}
    assert list(rows) == ["linknet", "bnad", "inad", "snad", "global", "snadnet"]
    patches = {name: row.runs[0].settings.patches for name, row in rows.items()}  # type: ignore[attr-defined]
    only_global = (patches["global"].small, patches["global"].medium, patches["global"].large, patches["global"].whole)
    assert only_global == (0, 0, 0, 1)
    assert len({str(patches[name]) for name in rows if name != "global"}) == 1
    assert [len(rows[name].runs) for name in ("bnad", "inad", "snad")] == [2, 2, 2]
    assert len({run.budget.seconds for row in rows.values() for run in row.runs}) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test": {"protocol": "gopro", "images": "faces"}}, "there is no protocol 'gopro'"),
        ({"rows": {"a": {**ROW, "stages": {"parser": "none"}}}}, "there is no stage 'none'"),
        ({"rows": {"../a": ROW}}, "rows"),
        ({"rows": {}}, "rows"),
        ({"colour": "red"}, "colour"),
        (
            {"rows": {"a": {**ROW, "stages": {"x": "s"}}}, "stages": {"s": {"config": "row.yaml", "share": 0.2}}},
            "takes more than the budget",
        ),
        ({"questions": [{"ask": "?", "row": "a", "others": ["b"]}]}, "questions: there is no row 'b'"),
        ({"rows": {"a": {**ROW, "config": "none.yaml"}}}, "none.yaml: cannot be read"),
        (
            {"rows": {"a": ROW, "b": {**ROW, "settings": {"data": {"augmentation": {"flip": 0.3}}}}}},
            "put it into common",
        ),
        ({"common": {"data": {"sources": 3}}}, "data.sources: give folders"),
        ({"common": {"losses": {"ssim": 1}}}, "ssim"),
    ],
)
def test_what_does_not_fit_is_named(folder: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan_of(define(folder, **changes))


def test_layers_of_settings_and_overrides(folder: Path) -> None:
    path = define(
        folder,
        common={"ema_decay": 0.5, "optimizer": {"learning_rate": 3e-4}},
        rows={"a": {**ROW, "seeds": [4, 5], "settings": {"optimizer": {"learning_rate": 2e-4}}}},
    )
    runs = plan_of(path, "ema_decay=0.25").runs
    assert [run.name for run in runs] == ["a-seed4", "a-seed5"]
    assert [run.settings.seed for run in runs] == [4, 5]
    assert {run.settings.optimizer.learning_rate for run in runs} == {2e-4}
    assert {run.settings.ema_decay for run in runs} == {0.25}


def test_the_tiny_rows_have_the_blurs_of_both_protocols_and_no_others() -> None:
    (first, *_) = plan_of(ROOT / "configs/reproduce/table-1-tiny.yaml").rows
    blur = first.runs[0].settings.data.degradation
    protocols = Degradation(
        linear_share=0.5,
        linear_length=25 * 192 / 256,
        linear_angle=45,
        trajectory_share=0.5,
        noise_free_share=0.5,
        kernels=blur.kernels,
    )
    assert blur == protocols


def test_an_unknown_table_lists_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert find_definition("table-2", "tiny") == Path("configs/reproduce/table-2-tiny.yaml")
    with pytest.raises(ConfigError, match=r"no such table; there are .*table-1-tiny"):
        find_definition("table-4", "tiny")
    monkeypatch.chdir(ROOT / "tests")
    with pytest.raises(ConfigError, match="run it in a clone"):
        find_definition("table-2", "tiny")
