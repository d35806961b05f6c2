"""Any network opened by name or file: ONNX on ONNX Runtime, safetensors on PyTorch, one interface."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from snadnet import Deblurrer
from snadnet.cli.app import app
from snadnet.errors import ConfigError, ModelError, WeightsError
from snadnet.inference import Backend, OnnxBackend, load_model, load_parser, resolve, resolve_weights
from snadnet.inference.releases import DEFAULT_WEIGHTS, WEIGHTS_BY_AIM, released_weights, selectable_names
from snadnet.inference.resolve import check_model
from snadnet.inference.torch_backend import TorchBackend
from snadnet.models import Restorer, create_model, read_model, save_network
from snadnet.photo import read_photo
from support.deblurring_model_checks import shaken

BASELINE = "deblurgan-tiny"


def write_weights(path: Path, name: str) -> Path:
    torch.manual_seed(0)
    model = create_model(name)
    assert isinstance(model, Restorer)
    shaken(model.core)
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
    network: Backend = load_model(baseline, "cpu")
    batch = crops(2, 45, 70)
    restored, parsing, *_ = network(batch)
    with torch.no_grad():
        expected = read_model(baseline)(torch.from_numpy(batch).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(restored, expected, atol=1e-5)
    assert (parsing, network.device, network.model) == (None, "cpu", BASELINE)
    assert np.array_equal(network(batch[1:]).restored, restored[1:])
    assert restored.dtype == np.float32
    assert restored.flags.c_contiguous
    assert np.abs(restored - batch).max() > 0.01


def test_a_network_that_parses_faces_does_so_on_pytorch(tmp_path: Path) -> None:
    network = load_model(write_weights(tmp_path / "w.safetensors", "snadnet-small"), "cpu")
    parsing = network(crops(2, 40, 64)).parsing
    assert parsing is not None
    assert parsing.shape == (2, 40, 64, 19)
    np.testing.assert_allclose(parsing.sum(axis=3), 1, atol=1e-5)


def test_the_default_and_released_names() -> None:
    names = selectable_names("deblurring")
    assert names[:3] == ["fidelity", "natural", "snadnet-small"]
    assert names[3:6] == ["snadnet-small-full", "snadnet-small-large", "snadnet-small-natural"]
    assert names[6] == "snadnet-small-twice"
    assert all("-tiny" in name for name in names[7:])
    assert selectable_names("parsing") == ["bisenet-small-sharp"]
    for name in (None, DEFAULT_WEIGHTS, f"{DEFAULT_WEIGHTS}.onnx", Path(DEFAULT_WEIGHTS)):
        network = load_model(name, device="cpu")
        assert isinstance(network, OnnxBackend)
        assert network.path == released_weights(DEFAULT_WEIGHTS)


def test_released_weights_go_by_their_aim_too() -> None:
    paths = {}
    for aim, name in WEIGHTS_BY_AIM.items():
        network = load_model(aim, device="cpu")
        assert isinstance(network, OnnxBackend)
        assert network.path == released_weights(name)
        assert network.model == "snadnet-small-full"
        paths[aim] = network.path
    assert len(set(paths.values())) == len(paths) == 2


def test_a_release_and_its_files_go_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch_file = released_weights("snadnet-small.safetensors")
    assert resolve_weights("snadnet-small.safetensors") == torch_file
    parser = resolve_weights(task="parsing")
    for name in ("bisenet-small-sharp", "bisenet-small-sharp.safetensors", Path("bisenet-small-sharp")):
        assert resolve_weights(name) == resolve_weights(name, task="parsing") == parser
    # A name is a release's whatever lies beside; what ends as weights files do is a file where there is one.
    monkeypatch.chdir(tmp_path)
    for name in ("natural", "snadnet-small", "snadnet-small.safetensors"):
        Path(name).write_bytes(b"mine")
    assert resolve_weights("natural") == released_weights("snadnet-small-natural")
    assert resolve_weights("snadnet-small-full") == released_weights()
    assert resolve_weights("snadnet-small.safetensors") == Path("snadnet-small.safetensors")


@pytest.mark.parametrize("suffix", [".safetensors", ".SAFETENSORS", ".SafeTensors"])
def test_endings_are_known_in_any_letter_case(baseline: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(baseline.read_bytes())
    assert load_model(path, "cpu").model == BASELINE


def test_a_safetensors_file_opens_by_the_class_too(baseline: Path, portrait: np.ndarray) -> None:
    by_class = Deblurrer(weights=baseline, device="cpu").restore(portrait)
    by_network = Deblurrer(network=load_model(baseline, "cpu")).restore(portrait)
    assert np.array_equal(by_class.photo.pixels, by_network.photo.pixels)
    assert not np.array_equal(by_class.photo.pixels, portrait)


def test_a_file_must_hold_the_model_that_is_named(baseline: Path, tmp_path: Path, build_network) -> None:
    with pytest.raises(WeightsError, match=r"baseline\.safetensors: holds the model 'deblurgan-tiny', not 'mprnet'"):
        check_model(load_model(baseline, "cpu"), "mprnet", baseline)
    named = build_network(tmp_path / "named.onnx", metadata={"model": "umsn"})
    check_model(load_model(named, "cpu"), "umsn", named)
    with pytest.raises(WeightsError, match="holds the model 'umsn', not 'mprnet'"):
        check_model(load_model(named, "cpu"), "mprnet", named)
    unnamed = build_network(tmp_path / "unnamed.onnx")
    with pytest.raises(WeightsError, match="does not say which model it holds; export it again"):
        check_model(load_model(unnamed, "cpu"), "mprnet", unnamed)


@pytest.mark.parametrize("name", ["mprnet", "mprent", "snadnet-smal"])
def test_an_unknown_name_lists_what_there_is_and_how_to_get_more(name: str) -> None:
    for read in (load_model, resolve_weights, lambda weights: Deblurrer(weights=weights)):
        with pytest.raises(WeightsError, match=f"no released weights are called '{name}'") as caught:
            read(name)
        for word in ("fidelity, natural, snadnet-small", "snadnet train", "snadnet import", "snadnet export"):
            assert word in str(caught.value)
        assert "bisenet" not in str(caught.value)
    with pytest.raises(WeightsError, match="choose one of: bisenet-small-sharp; or give a file") as caught:
        load_parser(name)
    assert "fidelity" not in str(caught.value)


def test_a_graph_of_a_former_name_is_the_network_of_today(tmp_path: Path, build_network) -> None:
    former = build_network(tmp_path / "former.onnx", metadata={"model": "umsn-cpu"})
    network = load_model(former, "cpu")
    assert network.model == "umsn-tiny"
    for name in ("umsn-cpu", "umsn-tiny"):
        check_model(network, name, former)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("https://example.com/net.onnx", "is a URL, and nothing is downloaded"),
        ("absent.onnx", r"absent\.onnx: no such weights file; choose one of: fidelity"),
        ("absent.SafeTensors", "no such weights file"),
        ("absent.pth", "no such weights file"),
        ("runs/absent", "no such weights file"),
        (".", "is a folder; give the file in it"),
        ("x" * 5000, "no released weights are called"),
        ("a\nb", r"'a\\nb'|a\\nb"),
    ],
)
def test_what_is_not_there_is_one_line(text: str, words: str) -> None:
    for read in (load_model, load_parser):
        with pytest.raises(WeightsError, match=words.replace("fidelity", "(fidelity|bisenet)")) as caught:
            read(text)
        assert "\n" not in str(caught.value)


def test_a_network_of_the_wrong_task_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "find_spec", lambda _name: None)  # it can be said without PyTorch
    graph = released_weights()
    for name in ("bisenet-small-sharp", "bisenet-small-sharp.safetensors"):
        with pytest.raises(ModelError, match="is a face parser; choose one of: fidelity, natural"):
            load_model(name)
    for weights in (graph, "natural", "snadnet-small"):
        with pytest.raises(ModelError, match="is no face parser but an ONNX graph; choose one of: bisenet-small-sharp"):
            load_parser(weights)


def test_a_parser_is_opened_by_name_or_file(baseline: Path) -> None:
    with pytest.raises(ModelError, match=r"baseline\.safetensors: is no face parser but holds 'deblurgan-tiny'"):
        load_parser(baseline)
    by_default, by_file = load_parser(device="cpu"), load_parser(resolve_weights("bisenet-small-sharp"), "cpu")
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert by_default(images).shape == (1, 19, 64, 64)
        assert torch.equal(by_default(images), by_file(images))
    with pytest.raises(ModelError, match="choose auto, cpu or cuda"):
        load_parser(device="tpu")  # type: ignore[arg-type]


def test_without_pytorch_safetensors_are_one_clear_line(baseline: Path, without_torch: None) -> None:
    with pytest.raises(ConfigError, match=r"baseline\.safetensors: needs PyTorch: .*snadnet\[train\].*snadnet export"):
        load_model(baseline)
    with pytest.raises(ConfigError, match="needs PyTorch"):
        load_parser()


def test_what_is_no_network_is_refused(baseline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match="no such weights file"):
        load_model(tmp_path / "absent.safetensors")
    save_network(tmp_path / "parser.safetensors", create_model("bisenet-small"), "bisenet-small")
    with pytest.raises(ModelError, match="is a face parser"):
        load_model(tmp_path / "parser.safetensors")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="needs a GPU that PyTorch can use"):
        load_model(baseline, device="cuda")
    with pytest.raises(ModelError, match="choose auto, cpu or cuda"):
        load_model(baseline, device="tpu")  # type: ignore[arg-type]
    broken = load_model(write_weights(tmp_path / "nan.safetensors", BASELINE), "cpu")
    assert isinstance(broken, TorchBackend)
    with torch.no_grad():  # files with such weights are refused, but finite ones may still overflow
        next(broken._network.parameters()).fill_(float("nan"))
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
