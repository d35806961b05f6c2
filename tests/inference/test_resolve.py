"""Any network opened by name or file: ONNX on ONNX Runtime, safetensors on PyTorch, one interface."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from snadnet.cli.app import app
from snadnet.errors import ConfigError, ModelError, WeightsError
from snadnet.inference import Backend, OnnxBackend, open_network, resolve
from snadnet.inference.releases import DEFAULT_WEIGHTS, WEIGHTS_BY_AIM, released_graphs, released_weights
from snadnet.models import Restorer, create_model, read_model, save_network
from snadnet.photo import read_photo
from support.deblurring_model_checks import shaken

BASELINE = "deblurgan-tiny"


def write_weights(path: Path, name: str, value: float | None = None) -> Path:
    torch.manual_seed(0)
    model = create_model(name)
    assert isinstance(model, Restorer)
    shaken(model.core)
    if value is not None:
        with torch.no_grad():
            next(model.parameters()).fill_(value)
    save_network(path, model.core, name)
    return path


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights") / "baseline.safetensors", BASELINE)


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "find_spec", lambda _name: None)


def crops(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random((*shape, 3), np.float32)


def test_safetensors_give_what_the_model_gives(baseline: Path) -> None:
    network: Backend = open_network(BASELINE, baseline, "cpu")
    batch = crops(2, 45, 70)
    restored, parsing = network(batch)
    with torch.no_grad():
        expected = read_model(baseline)(torch.from_numpy(batch).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(restored, expected, atol=1e-5)
    assert (parsing, network.device, network.model) == (None, "cpu", BASELINE)
    assert np.array_equal(network(batch[1:]).restored, restored[1:])
    assert restored.dtype == np.float32
    assert restored.flags.c_contiguous
    assert np.abs(restored - batch).max() > 0.01


def test_a_network_that_parses_faces_does_so_on_pytorch(tmp_path: Path) -> None:
    network = open_network(weights=write_weights(tmp_path / "w.safetensors", "snadnet-small"), device="cpu")
    parsing = network(crops(2, 40, 64)).parsing
    assert parsing is not None
    assert parsing.shape == (2, 40, 64, 19)
    np.testing.assert_allclose(parsing.sum(axis=3), 1, atol=1e-5)


def test_the_default_and_released_names() -> None:
    assert DEFAULT_WEIGHTS in released_graphs()
    for model in (None, DEFAULT_WEIGHTS):
        network = open_network(model, device="cpu")
        assert isinstance(network, OnnxBackend)
        assert network.path == released_weights(DEFAULT_WEIGHTS)


def test_released_weights_go_by_their_aim_too() -> None:
    paths = {}
    for aim, name in WEIGHTS_BY_AIM.items():
        network = open_network(weights=aim, device="cpu")
        assert isinstance(network, OnnxBackend)
        assert network.path == released_weights(name)
        assert network.model == DEFAULT_WEIGHTS
        paths[aim] = network.path
    assert len(set(paths.values())) == len(paths) == 2


def test_a_file_must_hold_the_model_that_is_named(baseline: Path, tmp_path: Path, build_network) -> None:
    with pytest.raises(WeightsError, match=r"baseline\.safetensors: holds the model 'deblurgan-tiny', not 'mprnet'"):
        open_network("mprnet", baseline, "cpu")
    named = build_network(tmp_path / "named.onnx", metadata={"model": "umsn"})
    assert open_network("umsn", named, "cpu").model == "umsn"
    with pytest.raises(WeightsError, match="holds the model 'umsn', not 'mprnet'"):
        open_network("mprnet", named, "cpu")
    with pytest.raises(WeightsError, match="does not say which model it holds; export it again"):
        open_network("mprnet", build_network(tmp_path / "unnamed.onnx"), "cpu")


def test_a_graph_of_a_former_name_is_the_network_of_today(tmp_path: Path, build_network) -> None:
    former = build_network(tmp_path / "former.onnx", metadata={"model": "umsn-cpu"})
    for model in (None, "umsn-cpu", "umsn-tiny"):
        assert open_network(model, former, "cpu").model == "umsn-tiny"


def test_a_name_without_released_weights_tells_how_to_get_them(without_torch: None) -> None:
    with pytest.raises(WeightsError, match="no weights of the model 'mprnet' come with snadnet") as caught:
        open_network("mprnet")
    for word in ("--weights", "snadnet train", "snadnet import", "snadnet export", DEFAULT_WEIGHTS):
        assert word in str(caught.value)


def test_a_wrong_name_is_told_where_the_registry_can_be_asked() -> None:
    with pytest.raises(ModelError, match=r"there is no model 'mprent'; choose one of: .*mprnet"):
        open_network("mprent")
    with pytest.raises(ModelError, match="'bisenet' is a face parser"):
        open_network("bisenet")


def test_without_pytorch_safetensors_are_one_clear_line(baseline: Path, without_torch: None) -> None:
    with pytest.raises(ConfigError, match=r"baseline\.safetensors: needs PyTorch: .*snadnet\[train\].*snadnet export"):
        open_network(weights=baseline)


def test_what_is_no_network_is_refused(baseline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match="no such weights file"):
        open_network(weights=tmp_path / "absent.safetensors")
    save_network(tmp_path / "parser.safetensors", create_model("bisenet-small"), "bisenet-small")
    with pytest.raises(ModelError, match="is a face parser"):
        open_network(weights=tmp_path / "parser.safetensors")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="needs a GPU that PyTorch can use"):
        open_network(weights=baseline, device="cuda")
    with pytest.raises(ModelError, match="choose auto, cpu or cuda"):
        open_network(weights=baseline, device="tpu")  # type: ignore[arg-type]
    broken = open_network(weights=write_weights(tmp_path / "nan.safetensors", BASELINE, float("nan")), device="cpu")
    with pytest.raises(WeightsError, match=r"nan\.safetensors: gives values that are no numbers"):
        broken(crops(1, 32, 32))
    with pytest.raises(ValueError, match=r"\(B, H, W, 3\)"):
        broken(np.zeros((2, 3, 32, 32), np.float32))


def deblur(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["deblur", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_baseline_deblurs_a_folder_on_either_runtime(
    baseline: Path, tmp_path: Path, portrait: np.ndarray, build_network
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(portrait).save(tmp_path / "in" / name)
    graph = build_network(tmp_path / "graph.onnx", parses=False, metadata={"model": BASELINE})
    for weights in (baseline, graph):
        out, report = tmp_path / weights.suffix[1:], tmp_path / f"{weights.suffix[1:]}.json"
        options = ("--model", BASELINE, "--weights", weights, "--device", "cpu", "--workers", 2, "--json", report)
        assert deblur(tmp_path / "in", "-o", out, *options).count("1 face: 1 restored") == 2
        photos = json.loads(report.read_text())["photos"]
        assert [(photo["status"], len(photo["faces"])) for photo in photos] == [("restored", 1)] * 2
        first, second = (read_photo(out / name).pixels for name in ("a.png", "b.png"))
        assert np.array_equal(first, second)
        assert not np.array_equal(first, portrait)
