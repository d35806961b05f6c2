"""Weights and checkpoints are data: no file that poses as one runs code, whoever reads it."""

import io
import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import save
from torch import nn
from typer.testing import CliRunner

from snadnet.cli.app import app
from snadnet.deblurrer import Deblurrer
from snadnet.errors import SnadnetError, WeightsError
from snadnet.inference import OnnxBackend, load_model, load_parser
from snadnet.models import create_network, read_model, read_weights, save_network
from snadnet.models.checkpoint_io import read_state, read_torch_file
from snadnet.training import load_settings
from snadnet.training.checkpoint import Checkpoints
from snadnet.training.metric_logger import MetricLogger
from snadnet.training.run import Run


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.call = call, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def traps(marker: Path) -> dict[str, Trap]:
    return {
        "shell": Trap(os.system, f"touch {marker}"),
        "exec": Trap(exec, f"open({str(marker)!r}, 'w').close()"),
        "mkdir": Trap(os.mkdir, str(marker)),
        "pathlib": Trap(Path.touch, marker),
        "through torch": Trap(torch.save, 1, str(marker)),
        "nested": Trap(pickle.loads, pickle.dumps(Trap(os.mkdir, str(marker)))),
    }


def new_torch(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def old_torch(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def tar(content: object) -> bytes:
    """The oldest format of PyTorch."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("storages", "tensors", "pickle"):
            data = pickle.dumps(content)
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


FORMATS: dict[str, Callable[[object], bytes]] = {
    "zip": new_torch,
    "old": old_torch,
    "tar": tar,
    "pickle 2": lambda content: pickle.dumps(content, protocol=2),
    "pickle 5": lambda content: pickle.dumps(content, protocol=5),
}
NAMES = ["shell", "exec", "mkdir", "pathlib", "through torch", "nested"]


def malicious(kind: str, trap: str, marker: Path) -> bytes:
    state = {"step": 1, "modules": {"parser": {"weight": torch.zeros(2)}}, "extra": traps(marker)[trap]}
    # The plain pickle formats need no tensors to be taken by a careless reader.
    return FORMATS[kind](state if kind in ("zip", "old") else {"extra": state["extra"]})


@pytest.mark.parametrize("trap", NAMES)
def test_the_traps_would_spring(tmp_path: Path, trap: str) -> None:
    """Else the tests below would prove nothing."""
    (tmp_path / "x.pt").write_bytes(malicious("zip", trap, tmp_path / "ran"))
    torch.load(tmp_path / "x.pt", weights_only=False)
    assert (tmp_path / "ran").exists()
    (tmp_path / "other").mkdir()
    pickle.loads(malicious("pickle 5", trap, tmp_path / "other" / "ran"))
    assert (tmp_path / "other" / "ran").exists()


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("trap", NAMES)
def test_no_reader_runs_code(tmp_path: Path, kind: str, trap: str) -> None:
    marker = tmp_path / "ran"
    content = malicious(kind, trap, marker)
    paths = [tmp_path / f"weights{suffix}" for suffix in (".safetensors", ".pt", ".onnx")]
    for path in paths:
        path.write_bytes(content)
        for read in (
            read_model,
            read_weights,
            OnnxBackend,
            lambda path: Deblurrer(weights=path),
            load_model,
            lambda path: load_parser(path) if path.suffix != ".onnx" else OnnxBackend(path),
        ):
            with pytest.raises(WeightsError, match=path.name) as caught:
                read(path)
            assert "\n" not in str(caught.value)
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    (checkpoints / "step-000000001.pt").write_bytes(content)
    with pytest.raises(WeightsError, match="no checkpoint in it can be read"):
        Checkpoints(checkpoints).load_latest()
    assert not marker.exists()


def test_a_trap_beside_a_good_checkpoint_is_passed_over(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.save(1, {"step": 1})
    (tmp_path / "checkpoints" / "step-000000002.pt").write_bytes(malicious("zip", "shell", tmp_path / "ran"))
    assert checkpoints.load_latest() == {"step": 1}
    assert not (tmp_path / "ran").exists()


def test_export_of_a_trap_runs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(malicious("zip", "shell", tmp_path / "ran"))
    result = CliRunner().invoke(app, ["export", str(path), "-o", str(tmp_path / "out.onnx")])
    assert result.exit_code != 0
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out.onnx").exists()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    config = tmp_path / "config.yaml"
    config.write_text("model: bisenet-small\ndata: {sources: [{images: f, hold_out: 2}]}\nschedule: {steps: 9}\n")
    accelerator = Accelerator(cpu=True)
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    settings = load_settings(config)
    run = Run(folder, settings, accelerator, MetricLogger(folder, active=False))
    run.modules["parser"] = nn.Linear(2, 2)
    return run


def test_resuming_from_a_trap_runs_nothing(tmp_path: Path, run: Run) -> None:
    for trap in NAMES:
        (run.folder / "checkpoints" / "step-000000001.pt").write_bytes(malicious("zip", trap, tmp_path / "ran"))
        with pytest.raises(WeightsError, match="no checkpoint in it can be read"):
            run.resume()
    assert not (tmp_path / "ran").exists()


def whole_state(run: Run) -> dict[str, Any]:
    run.save()
    (path,) = (run.folder / "checkpoints").glob("*.pt")
    state: dict[str, Any] = torch.load(path, weights_only=True)
    return state


@pytest.mark.parametrize(
    "change",
    [
        {"modules": {}},
        {"modules": [1]},
        {"modules": {"parser": {"weight": torch.zeros(7)}}},
        {"modules": {"parser": "text"}},
        {"random": {}},
        {"random": {"cpu": torch.zeros(3), "cuda": []}},
        {"step": "many"},
        {"elapsed": None},
    ],
    ids=str,
)
def test_a_checkpoint_of_other_content_is_one_clear_line(run: Run, change: dict[str, Any]) -> None:
    Checkpoints(run.folder / "checkpoints").save(5, whole_state(run) | change)
    with pytest.raises(SnadnetError, match="does not fit these settings") as caught:
        run.resume()
    assert "\n" not in str(caught.value)


def test_what_is_no_dictionary_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "step-000000001.pt").write_bytes(new_torch([1, 2]))
    with pytest.raises(WeightsError, match="no checkpoint in it can be read"):
        Checkpoints(tmp_path).load_latest()


def test_a_damaged_checkpoint_never_crashes(tmp_path: Path) -> None:
    whole = new_torch({"step": 1, "modules": nn.Linear(3, 3).state_dict(), "random": torch.get_rng_state()})
    path = tmp_path / "step-000000001.pt"
    generator = torch.Generator().manual_seed(0)
    for _ in range(150):
        content = bytearray(whole)
        for place in torch.randint(1500, (2,), generator=generator).tolist():  # where the pickle is
            content[place] = int(torch.randint(256, (1,), generator=generator))
        path.write_bytes(content)
        try:
            assert isinstance(Checkpoints(tmp_path).load_latest(), dict)
        except WeightsError as error:
            assert "\n" not in str(error)


def test_a_name_in_a_weights_file_stays_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(save({"a": torch.zeros(1)}, metadata={"format": "snadnet-weights-1", "model": "evil\nname"}))
    with pytest.raises(SnadnetError, match="evil") as caught:
        read_model(path)
    assert "\n" not in str(caught.value)


NOT_WEIGHTS = {
    "is a web page": [b"<!DOCTYPE html><html>", b"\xef\xbb\xbf\n <HTML lang=en>", b"<?xml version='1.0'?><Error>"],
    "is a Git LFS pointer": [b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"],
}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize(("said", "content"), [(said, each) for said, all_of in NOT_WEIGHTS.items() for each in all_of])
def test_what_is_saved_in_place_of_weights_is_called_what_it_is(
    tmp_path: Path, said: str, content: bytes, suffix: str
) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    readers = [read_torch_file] if suffix == ".pth" else [read_model, read_weights]
    for read in (*readers, lambda path: read_state(path, what="weights", remedy="fetch it")):
        with pytest.raises(WeightsError, match=rf"weights\{suffix}: {said}"):
            read(path)


@pytest.mark.parametrize("kind", FORMATS)
def test_no_advice_to_read_a_file_unsafely_is_passed_on(tmp_path: Path, kind: str) -> None:
    for number, trap in enumerate(NAMES):
        path = tmp_path / f"{number}.pth"
        path.write_bytes(malicious(kind, trap, tmp_path / "ran"))
        with pytest.raises(WeightsError) as caught:
            read_torch_file(path)
        for word in ("weights_only", "trust", "add_safe_globals", "False"):
            assert word not in str(caught.value)


def test_values_that_are_not_finite_are_neither_written_nor_read(tmp_path: Path) -> None:
    network = create_network("bisenet-small")
    path = tmp_path / "weights.safetensors"
    save_network(path, network, "bisenet-small")
    good = path.read_bytes()
    with torch.no_grad():
        network.head[1].weight[3, 0, 0, 0] = torch.nan
    with pytest.raises(WeightsError, match=r"weights\.safetensors: head\.1\.weight has values that are not finite"):
        save_network(path, network, "bisenet-small")
    assert path.read_bytes() == good
    state = {key: value.contiguous() for key, value in network.state_dict().items()}
    path.write_bytes(save(state, metadata={"format": "snadnet-weights-1", "model": "bisenet-small"}))
    with pytest.raises(WeightsError, match=r"weights\.safetensors: head\.1\.weight has values that are not finite"):
        read_model(path)
    result = CliRunner().invoke(app, ["export", str(path), "-o", str(tmp_path / "out.onnx")])
    assert isinstance(result.exception, WeightsError)
    assert not (tmp_path / "out.onnx").exists()


def test_what_float16_cannot_hold_stays_float32(tmp_path: Path) -> None:
    network = create_network("bisenet-small")
    with torch.no_grad():
        network.head[1].weight.fill_(1e5)
    save_network(tmp_path / "weights.safetensors", network, "bisenet-small", fp16=True)
    assert read_weights(tmp_path / "weights.safetensors")[1]["head.1.weight"].min() == 1e5
