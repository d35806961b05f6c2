"""``snadnet benchmark``: what is measured, in processes of their own, and how it is told."""

import json
import os
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from snadnet.cli.app import app
from snadnet.errors import ConfigError, ModelError, OutputExistsError, WeightsError
from snadnet.evaluation.report.tables import as_markdown
from snadnet.inference import resolve_weights
from snadnet.models import describe_model, list_models
from snadnet.models.complexity import ModelFigures, model_figures
from snadnet.profiling import benchmark
from snadnet.profiling.benchmark import Cost, Reading, Setting, Subject, busy_line, cost_document, find_subjects
from snadnet.profiling.process import WARM_UP_RUNS, Request, measure, peak_memory


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["benchmark", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout


def test_a_graph_and_a_broken_file_in_fresh_processes(tiny_network: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"text")
    output = tmp_path / "costs.md"
    text = run(broken, tiny_network, "--size", 64, "--runs", 3, "--format", "json", "-o", output, code=1)
    document = json.loads(text)
    first, second = document["models"]
    assert first["reading"] is None
    assert "broken.onnx: not a readable ONNX file" in first["error"]
    assert second["error"] is None
    reading = second["reading"]
    assert len(reading["seconds"]) == 3
    assert min(reading["seconds"]) <= reading["median_seconds"] <= max(reading["seconds"])
    assert (reading["runtime"], reading["threads"], reading["model"]) == ("ONNX Runtime", 1, None)
    # A process without PyTorch, which this one has loaded.
    assert "torch" in sys.modules
    assert 20e6 < reading["memory_before"] < reading["peak_memory"] < peak_memory()
    assert document["setting"] == {
        **{"size": 64, "runs": 3, "device": "cpu", "threads": None, "half": False, "warm_up_runs": WARM_UP_RUNS}
    }
    markdown = output.read_text()
    assert "| tiny.onnx | - | - | 0." in markdown
    assert "| broken.onnx | - | - | - |" in markdown
    assert "broken.onnx: not measured:" in markdown
    with pytest.raises(OutputExistsError):
        run(tiny_network, "-o", output)


def test_a_registered_model_is_measured_on_pytorch() -> None:
    threads = torch.get_num_threads()
    try:
        reading = measure(Request("deblurgan-tiny", False, size=32, runs=2, device="cpu", threads=1, half=False))
    finally:
        torch.set_num_threads(threads)
    assert (reading.model, reading.runtime, reading.threads) == ("deblurgan-tiny", "PyTorch", 1)
    assert len(reading.seconds) == 2
    assert all(second > 0 for second in reading.seconds)
    assert reading.peak_memory >= reading.memory_before > 0


def test_the_table_says_what_it_shows() -> None:
    reading = Reading("umsn", "PyTorch", "cpu", 2, (0.3, 0.1, 0.25), 512_000_000, 300_000_000)
    costs = [
        Cost(Subject("umsn", "umsn", False), reading, ModelFigures(1_230_000, 4_560_000_000)),
        Cost(Subject("mprnet", "mprnet", False), None, None, "ended by signal 9"),
    ]
    text = as_markdown(cost_document(costs, Setting(size=160, runs=3), header=["$ command"]))
    assert "| umsn | 1.23 | 4.56 | 0.2500 | 0.1000 | 512 | 300 | PyTorch | 2 |" in text
    assert "| mprnet | - | - | - | - | - | - | - | - |" in text
    assert "- mprnet: not measured: ended by signal 9" in text
    assert "one picture of 160 x 160 px on cpu, float32" in text
    assert "resident memory of the process" in text
    on_cuda = as_markdown(cost_document(costs, Setting(device="cuda", half=True), header=[]))
    assert "mixed precision (float16), channels last" in on_cuda
    assert "tensors took on the GPU" in on_cuda


def test_a_process_that_dies_is_a_line_and_stops_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\ncase \"$*\" in *umsn*) kill -9 $$;; esac\necho 'Error: no memory' >&2; exit 3\n")
    python.chmod(0o755)
    monkeypatch.setattr(benchmark.sys, "executable", str(python))
    done: list[int] = []
    costs = benchmark.measure_costs(find_subjects(["umsn-tiny", "nafnet-tiny"]), Setting(), done.append)
    assert [cost.reading for cost in costs] == [None, None]
    assert costs[0].error is not None
    assert "signal 9" in costs[0].error
    assert costs[1].error == "Error: no memory"
    assert costs[1].figures == model_figures(describe_model("nafnet-tiny"))
    assert done == [1, 1]


def test_the_default_is_every_deblurring_model() -> None:
    assert [subject.name for subject in find_subjects([])] == list_models("deblurring")


def test_released_names_are_files_to_measure() -> None:
    subjects = find_subjects(["natural", "snadnet-small-natural"])
    assert [subject.name for subject in subjects] == ["natural", "snadnet-small-natural"]
    assert {(subject.source, subject.is_file) for subject in subjects} == {(str(resolve_weights("natural")), True)}


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("mprent", WeightsError, "no released weights are called 'mprent'"),
        ("bisenet", ModelError, "is a face parser"),
        ("absent.onnx", WeightsError, "no such weights file"),
        ("no/folder", WeightsError, "no such weights file"),
    ],
)
def test_a_wrong_name_is_told_before_anything_runs(text: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        run("umsn-tiny", text)


def test_half_precision_is_for_pytorch_on_cuda(tiny_network: Path) -> None:
    with pytest.raises(ConfigError, match="--device cuda"):
        run("umsn-tiny", "--half")
    with pytest.raises(ConfigError, match="ONNX graph"):
        run(tiny_network, "--half", "--device", "cuda")


def test_a_busy_machine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (3.25, 0.0, 0.0), raising=False)
    assert (busy_line() or "").startswith("BUSY: other work took 3.2 of")
    monkeypatch.setattr(os, "getloadavg", lambda: (0.1, 9.0, 9.0), raising=False)
    assert busy_line() is None


def test_multiply_adds_grow_with_the_picture() -> None:
    descriptor = describe_model("deblurgan-tiny")
    assert model_figures(descriptor, 128).macs * 4 == model_figures(descriptor).macs


def test_a_former_name_is_measured_as_the_network_of_today() -> None:
    assert find_subjects(["umsn-cpu"]) == find_subjects(["umsn-tiny"])
