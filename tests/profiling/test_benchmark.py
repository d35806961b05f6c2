"""``snadnet benchmark``: costs measured in processes of their own, and their report."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from snadnet.cli.app import app
from snadnet.environment import peak_memory
from snadnet.errors import ConfigError, ModelError, OutputExistsError, WeightsError
from snadnet.inference import resolve_weights
from snadnet.models import describe_model, list_models
from snadnet.models.complexity import Complexity, measure_complexity
from snadnet.profiling import benchmark
from snadnet.profiling.benchmark import BenchmarkOptions, Cost, Network, busy_line, find_networks
from snadnet.profiling.process import WARM_UP_RUNS, Measurement, Request, measure
from snadnet.profiling.report import CostReport


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["benchmark", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout


def squeezed(text: str) -> str:
    """The text with every run of blanks as one."""
    return "\n".join(" ".join(line.split()) for line in text.splitlines())


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
    markdown = squeezed(output.read_text())
    assert "| tiny.onnx | - | - | 0." in markdown
    assert "| broken.onnx | - | - | - |" in markdown
    assert "broken.onnx: not measured:" in markdown
    with pytest.raises(OutputExistsError):
        run(tiny_network, "-o", output)


def test_a_registered_model_is_measured_on_pytorch() -> None:
    threads = torch.get_num_threads()
    try:
        reading = measure(Request("deblurgan-tiny", False, size=32, runs=2, device="cpu", threads=1, fp16=False))
    finally:
        torch.set_num_threads(threads)
    assert (reading.model, reading.runtime, reading.threads) == ("deblurgan-tiny", "PyTorch", 1)
    assert len(reading.seconds) == 2
    assert all(second > 0 for second in reading.seconds)
    assert reading.peak_memory >= reading.memory_before > 0


def test_the_table_says_what_it_shows() -> None:
    measurement = Measurement("umsn", "PyTorch", "cpu", 2, (0.3, 0.1, 0.25), 512_000_000, 300_000_000)
    costs = [
        Cost(Network("umsn", "umsn", False), measurement, Complexity(1_230_000, 4_560_000_000)),
        Cost(Network("mprnet", "mprnet", False), None, None, "ended by signal 9"),
    ]
    text = squeezed(CostReport(costs, BenchmarkOptions(size=160, runs=3), ["$ command"]).to_markdown())
    assert "| umsn | 1.23 | 4.56 | 0.2500 | 0.1000 | 512 | 300 | PyTorch | 2 |" in text
    assert "| mprnet | - | - | - | - | - | - | - | - |" in text
    assert "- mprnet: not measured: ended by signal 9" in text
    assert "one image of 160 x 160 px on cpu, float32" in text
    assert "resident memory of the process" in text
    assert "- untrained, with random weights: umsn, mprnet" in text
    trained = CostReport([replace(costs[0], network=Network("umsn", "umsn.safetensors", True))], BenchmarkOptions())
    assert "untrained" not in trained.to_text()
    on_cuda = CostReport(costs, BenchmarkOptions(device="cuda", fp16=True)).to_markdown()
    assert "mixed precision (float16), channels last" in on_cuda
    assert "tensors took on the GPU" in on_cuda


def test_a_process_that_dies_is_a_line_and_stops_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\ncase \"$*\" in *umsn*) kill -9 $$;; esac\necho 'Error: no memory' >&2; exit 3\n")
    python.chmod(0o755)
    monkeypatch.setattr(benchmark.sys, "executable", str(python))
    done: list[int] = []
    costs = benchmark.measure_costs(find_networks([], ["umsn-tiny", "nafnet-tiny"]), BenchmarkOptions(), done.append)
    assert [cost.measurement for cost in costs] == [None, None]
    assert costs[0].error is not None
    assert "signal 9" in costs[0].error
    assert costs[1].error == "Error: no memory"
    assert costs[1].figures == measure_complexity(describe_model("nafnet-tiny"))
    assert done == [1, 1]


def test_the_default_is_every_deblurring_architecture_untrained() -> None:
    networks = find_networks([])
    assert [network.name for network in networks] == list_models("deblurring")
    assert not any(network.trained for network in networks)


def test_a_plain_name_means_trained_weights_and_an_architecture_is_asked_for_as_such() -> None:
    trained = find_networks(["natural", "snadnet-small-natural"], ["snadnet-small"])
    assert [network.name for network in trained] == ["natural", "snadnet-small-natural", "snadnet-small"]
    assert [network.trained for network in trained] == [True, True, False]
    assert {network.source for network in trained[:2]} == {str(resolve_weights("natural"))}
    assert find_networks(["snadnet-small"]) == [Network("snadnet-small", str(resolve_weights("snadnet-small")), True)]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["mprent"], WeightsError, "no released weights are called 'mprent'"),
        (["mprnet"], WeightsError, "no weights of 'mprnet' come with snadnet; .* --untrained mprnet"),
        (["absent.onnx"], WeightsError, "no such weights file"),
        (["no/folder"], WeightsError, "no such weights file"),
        (["--untrained", "bisenet"], ModelError, "is a face parser"),
        (["--untrained", "mprent"], ModelError, "there is no model 'mprent'"),
    ],
)
def test_a_wrong_name_is_refused_before_anything_runs(arguments: list[str], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        run("--untrained", "umsn-tiny", *arguments)


def test_half_precision_is_for_pytorch_on_cuda(tiny_network: Path) -> None:
    with pytest.raises(ConfigError, match="--device cuda"):
        run("--untrained", "umsn-tiny", "--fp16")
    with pytest.raises(ConfigError, match="ONNX graph"):
        run(tiny_network, "--fp16", "--device", "cuda")
    with pytest.raises(ConfigError, match="--half is now called --fp16"):
        run("--untrained", "umsn-tiny", "--half")


def test_a_busy_machine_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (3.25, 0.0, 0.0), raising=False)
    assert (busy_line() or "").startswith("BUSY: other work took 3.2 of")
    monkeypatch.setattr(os, "getloadavg", lambda: (0.1, 9.0, 9.0), raising=False)
    assert busy_line() is None


def test_multiply_adds_grow_with_the_image() -> None:
    descriptor = describe_model("deblurgan-tiny")
    assert measure_complexity(descriptor, 128).macs * 4 == measure_complexity(descriptor).macs


def test_a_former_name_is_measured_as_the_network_of_today() -> None:
    assert find_networks([], ["umsn-cpu"]) == find_networks([], ["umsn-tiny"])
