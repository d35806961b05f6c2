"""Devices by name: what is there, and that only "auto" falls back."""

import os
import pickle
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from typer.testing import CliRunner

from snadnet import Deblurrer, load_model
from snadnet.cli.app import app
from snadnet.errors import ModelError
from snadnet.inference import OnnxBackend
from snadnet.inference.devices import chosen_device, list_devices
from snadnet.inference.releases import released_weights

OPENVINO_TOLERANCE = 1e-5


@pytest.fixture
def only_cpu(monkeypatch):
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr("snadnet.inference.devices.find_spec", lambda _name: None)


def test_auto_is_the_cpu_where_there_is_nothing_else(only_cpu):
    assert chosen_device("auto").name == "cpu"
    assert [entry.name for entry in list_devices() if entry.there] == ["cpu"]


@pytest.mark.parametrize(
    ("device", "remedy"),
    [
        ("cuda", "onnxruntime-gpu"),
        ("openvino", r"pip install 'snadnet\[openvino\]'"),
        ("coreml", "on macOS"),
        ("directml", "onnxruntime-directml"),
    ],
)
def test_what_is_not_there_is_refused_and_never_replaced(only_cpu, tiny_network, device, remedy):
    with pytest.raises(ModelError, match=rf"device '{device}' is not there; run: .*{remedy}"):
        OnnxBackend(tiny_network, device)


def test_a_device_that_cannot_be_started_is_replaced_for_auto_alone(monkeypatch, tiny_network):
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: both)
    # ONNX Runtime leaves out a provider that it does not have, and so it does where one cannot be started.
    assert OnnxBackend(tiny_network, "auto").device == "cpu"
    with pytest.raises(ModelError, match="could not start the device 'cuda'"):
        OnnxBackend(tiny_network, "cuda")


def test_the_command_lists_all_and_says_what_was_not_tried(only_cpu):
    done = CliRunner().invoke(app, ["devices"])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == "cpu       the processor, by ONNX Runtime: there"
    assert [line.split()[0] for line in lines[:5]] == ["cpu", "openvino", "cuda", "coreml", "directml"]
    assert [line.endswith("not tried by us") for line in lines[:5]] == [False, False, True, True, True]


def test_openvino_gives_the_same_pixels(portrait):
    if find_spec("openvino") is None:
        pytest.skip("needs snadnet[openvino]")
    crop = portrait[None].astype(np.float32) / 255
    crops = np.concatenate([crop, crop[:, ::-1]])
    expected = OnnxBackend(released_weights(), "cpu")(crops)
    network = load_model(None, "openvino")
    assert (network.device, network.model) == ("openvino", "snadnet-small-full")
    result = network(crops)
    assert np.abs(result.restored - expected.restored).max() <= OPENVINO_TOLERANCE
    assert np.abs(result.parsing - expected.parsing).max() <= 10 * OPENVINO_TOLERANCE
    # Each crop by itself, whatever is beside it.
    assert np.array_equal(network(crops[1:]).restored, result.restored[1:])


SILENT = """
import os, sys
calls = set()
names = ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.fork", "os.posix_spawn", "os.system")
sys.addaudithook(lambda name, _arguments: calls.add(name) if name in names else None)
from snadnet.inference import load_model
load_model(sys.argv[1], "openvino")
assert not calls, calls
assert not any(name.startswith("openvino_telemetry") for name in sys.modules), "telemetry"
print("intel" in os.listdir(os.environ["HOME"]))
"""


def test_openvino_reports_to_nobody(tiny_network, tmp_path):
    if find_spec("openvino") is None:
        pytest.skip("needs snadnet[openvino]")
    environment = {**os.environ, "HOME": str(tmp_path)}
    arguments = [sys.executable, "-c", SILENT, str(tiny_network)]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr


def test_the_class_runs_on_openvino(tiny_network, portrait):
    if find_spec("openvino") is None:
        pytest.skip("needs snadnet[openvino]")
    deblurrer = Deblurrer(weights=tiny_network, device="openvino")
    assert deblurrer.device == "openvino"
    result = deblurrer.restore(portrait)
    plain = Deblurrer(weights=tiny_network, device="cpu").restore(portrait)
    assert np.abs(result.photo.pixels.astype(int) - plain.photo.pixels).max() <= 1
    assert pickle.loads(pickle.dumps(deblurrer)).device == "openvino"
