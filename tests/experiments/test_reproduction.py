"""Whole tables in miniature: rows are trained once, go on where they were stopped, and fail alone."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from torch import Tensor, nn
from typer.testing import CliRunner

from snadnet.cli.app import app
from snadnet.concurrency import StoppedError, StopSignal
from snadnet.errors import SnadnetError
from snadnet.evaluation import MetricOptions, Resampling
from snadnet.experiments import Budget, Plan, PlannedRun, ReproduceOptions, TableReport, make_plan, read_definition
from snadnet.experiments import reproduce as make_table
from snadnet.models import describe_model, read_weights, registry
from support.face_data import make_faces

OPTIONS = ReproduceOptions(["fidelity"], MetricOptions(device="cpu"), Resampling(count=20), timed_runs=0)


class OneConvolution(nn.Module):
    """A network that trains in no time."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, blurred: Tensor) -> Tensor:
        return blurred + self.layer(blurred)


class Display:
    """Keeps what is shown, and may ask for a stop at a fraction of a training."""

    def __init__(self, at: Callable[[str, float], None] = lambda _name, _progress: None) -> None:
        self.lines: list[str] = []
        self._at = at
        self._name = ""

    def show_run(self, run: PlannedRun) -> "Display":
        self._name = run.name
        return self

    def log_message(self, line: str) -> None:
        self.lines.append(line)

    def advance(self, progress: float, state: str) -> None:
        self._at(self._name, progress)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of two rows, the second of two seeds and conditioned on a stage, on a few drawn faces."""
    descriptor = replace(describe_model("nafnet-tiny"), name="one-convolution", build=OneConvolution)
    monkeypatch.setitem(registry._REGISTRY, "one-convolution", descriptor)
    torch.set_num_threads(1)
    make_faces(tmp_path / "data", 8, size=160)
    row = {
        "recipe": "regression",
        "model": "one-convolution",
        "losses": {"l1": 1.0},
        "log_every": 1,
        "optimizer": {"learning_rate": 0.01},
        "schedule": {"steps": 1},
        "data": {"sources": [{"images": "images", "hold_out": 4}]},
    }
    (tmp_path / "row.yaml").write_text(yaml.safe_dump(row))
    common = {
        "data": {
            "sources": [{"images": "images", "labels": "labels", "hold_out": 4}],
            "sizes": [{"size": 32, "batch_size": 2}],
            "degradation": {"linear_share": 1.0, "trajectory_share": 0.0},
            "workers": 0,
        },
        "validation": {"faces": 1, "protocols": ["celeba"]},
    }
    definition = {
        "title": "A table",
        "test": {"protocol": "celeba", "images": "images", "last": 4},
        "common": common,
        "stages": {"stage": {"config": "row.yaml", "share": 0.5, "settings": copy.deepcopy(common)}},
        "rows": {
            "first": {"title": "First", "paper": "DMPHN", "config": "row.yaml"},
            "second": {
                "title": "Second",
                "config": "row.yaml",
                "share": 0.5,
                "stages": {"initial": "stage"},
                "seeds": [1, 2],
            },
        },
        "questions": [{"ask": "Which?", "row": "second", "others": ["first"]}],
    }
    path = tmp_path / "table.yaml"
    path.write_text(yaml.safe_dump(definition))
    return path


def plan_of(table: Path, runs: str = "runs", *, overrides: tuple[str, ...] = ()) -> Plan:
    return make_plan(
        read_definition(table),
        table,
        Budget(faces=12),
        table.parent / runs,
        data=table.parent / "data",
        overrides=overrides,
    )


def reproduce(plan: Plan, display: Display | None = None, stop: StopSignal | None = None) -> TableReport:
    return make_table(plan, OPTIONS, display or Display(), stop=stop or StopSignal())


def test_a_table_is_made_and_made_again_without_training(table: Path) -> None:
    display = Display()
    report = reproduce(plan_of(table), display)
    spent = {run: each.faces for result in report.results.rows for run, each in enumerate(result.spent)}
    assert spent == {0: 6, 1: 6}
    first = report.results.row("first")
    assert first is not None
    assert (first.spent[0].steps, first.spent[0].faces) == (6, 12)
    assert report.failures == {}

    again = Display()
    repeated = reproduce(plan_of(table), again)
    assert [line.partition(":")[0] for line in again.lines] == ["stage", "first-seed1", "second-seed1", "second-seed2"]
    assert all("is trained already" in line for line in again.lines)
    assert repeated.to_json() == report.to_json()


def test_the_report_in_every_form(table: Path) -> None:
    report = reproduce(plan_of(table))
    document = json.loads(report.to_json())
    assert document["schema"] == 1
    assert document["budget"] == {"text": "12faces", "seconds": None, "faces": 12}
    first, second = document["rows"]
    assert first["paper"]["psnr"] == 28.33
    assert second["paper"] is None
    assert len(second["psnr_by_seed"]) == len(second["training"]) == 2
    assert second["stages"][0]["faces"] == 6
    assert first["figures"]["psnr"]["value"] == pytest.approx(first["psnr_by_seed"][0])
    assert (document["pairs"][0]["first"], document["pairs"][0]["second"]) == ("first", "second")
    text = report.to_text()
    assert "28.33" in text  # the paper's DMPHN
    assert "21.78" in text  # the paper's blurred input
    assert "Which? Second:" in text
    assert "| Second " in report.to_markdown()
    assert r"\begin{tabular}" in report.to_latex()


def test_a_stopped_table_goes_on_at_the_row_and_step(table: Path) -> None:
    whole = reproduce(plan_of(table, "whole"))
    stop = StopSignal()

    def stop_in_the_middle(name: str, progress: float) -> None:
        if name == "second-seed1" and progress >= 0.5:
            stop.request("test")

    with pytest.raises(StoppedError):
        reproduce(plan_of(table), Display(stop_in_the_middle), stop)
    folder = table.parent / "runs" / "12faces"
    assert not (folder / "second-seed2").exists()
    display = Display()
    resumed = reproduce(plan_of(table), display)
    assert any(line.startswith("resumed at step 2") for line in display.lines)
    assert [row.figures.estimates for row in resumed.results.rows] == [
        row.figures.estimates for row in whole.results.rows
    ]
    states = [
        read_weights(table.parent / runs / "12faces" / "second-seed1" / "weights.safetensors")[1]
        for runs in ("whole", "runs")
    ]
    assert all(states[0][key].equal(states[1][key]) for key in states[0])


def test_a_failed_row_is_named_and_the_others_go_on(table: Path) -> None:
    definition = yaml.safe_load(table.read_text())
    definition["stages"]["stage"]["settings"]["initial"] = "/none.safetensors"
    table.write_text(yaml.safe_dump(definition))
    report = reproduce(plan_of(table))
    assert list(report.failures) == ["stage", "second-seed1", "second-seed2"]
    assert report.failures["second-seed2"] == "needs stage, which failed"
    assert "/none.safetensors" in report.failures["stage"]
    assert [row.planned.name for row in report.results.rows] == ["first"]
    text = report.to_text()
    assert "FAILED: stage: " in text
    assert "not comparable" in json.loads(report.to_json())["answers"][0]
    assert json.loads(report.to_json())["rows"][1]["trained"] is False


def test_whatever_ends_a_row_ends_no_other(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_self: OneConvolution, blurred: Tensor) -> Tensor:
        raise RuntimeError("out of memory\nTried to allocate 3 GB")

    definition = yaml.safe_load(table.read_text())
    definition["rows"]["third"] = {**definition["rows"]["first"], "settings": {"model": "broken"}}
    table.write_text(yaml.safe_dump(definition))
    network = type("Broken", (OneConvolution,), {"forward": broken})
    monkeypatch.setitem(
        registry._REGISTRY, "broken", replace(describe_model("one-convolution"), name="broken", build=network)
    )
    report = reproduce(plan_of(table))
    assert report.failures == {"third-seed1": "RuntimeError: out of memory Tried to allocate 3 GB"}
    assert [row.planned.name for row in report.results.rows] == ["first", "second"]


def test_a_table_without_any_trained_row_is_an_error(table: Path) -> None:
    with pytest.raises(SnadnetError, match=r"no row could be trained; .*none\.safetensors"):
        reproduce(plan_of(table, overrides=("initial=/none.safetensors",)))


def test_a_row_that_was_begun_with_other_settings_is_refused(table: Path) -> None:
    reproduce(plan_of(table))
    report_of = plan_of(table, overrides=("optimizer.learning_rate=0.02",))
    with pytest.raises(SnadnetError, match=r"was begun with other settings \(optimizer\.learning_rate from 0\.01 to 0"):
        reproduce(report_of)
    # A later version may have settings that there were not yet.
    record = table.parent / "runs" / "12faces" / "first-seed1" / "experiment.json"
    content = json.loads(record.read_text())
    del content["settings"]["data"]["degradation"]["jpeg_share"]
    record.write_text(json.dumps(content))
    # What changes nothing that is learned may change.
    reproduce(plan_of(table, overrides=("log_every=3",)))


def test_the_command_says_what_it_would_do_and_then_does_it(table: Path) -> None:
    arguments = ["reproduce", str(table), "-r", str(table.parent / "runs"), "--data", str(table.parent / "data")]
    arguments += ["--budget", "12faces", "--device", "cpu", "--metric", "fidelity", "--timed-runs", "0"]
    told = CliRunner().invoke(app, [*arguments, "--dry-run"], catch_exceptions=False)
    assert told.exit_code == 0
    assert "to train: 4" in told.output
    assert not (table.parent / "runs").exists()
    done = CliRunner().invoke(app, [*arguments, "--format", "json"], catch_exceptions=False)
    assert done.exit_code == 0
    files = sorted(path.name for path in (table.parent / "runs" / "12faces").glob("table.*"))
    assert files == ["table.json", "table.md", "table.tex", "table.txt"]
    assert json.loads((table.parent / "runs" / "12faces" / "table.json").read_text())["title"] == "A table"
    assert "done: 6 steps, 12 faces" in CliRunner().invoke(app, [*arguments, "--dry-run"]).output
