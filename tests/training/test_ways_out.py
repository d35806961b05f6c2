"""Every way out of the training loop: one line, no process left behind, and nothing broken on disk."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from torch import Tensor

from snadnet.catalogue import FORMER_NAMES
from snadnet.concurrency import StopSignal
from snadnet.errors import ConfigError, DataError, TrainingError, WeightsError
from snadnet.models import read_weights
from snadnet.training import load_settings, train
from snadnet.training.checkpoint import Checkpoints
from snadnet.training.finite import FiniteLosses
from snadnet.training.recipes.parsing import ParsingRecipe
from snadnet.training.run_lock import LOCK_FILE, run_lock
from support.face_data import make_faces
from support.held_folder import held_by_another
from support.signals import heed_signals


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A parser that trains in seconds."""
    torch.set_num_threads(1)
    images, labels = make_faces(tmp_path / "faces", 8, size=64)
    settings = {
        "model": "bisenet-small",
        "log_every": 1,
        "data": {
            "sources": [{"images": str(images), "labels": str(labels), "hold_out": 1}],
            "sizes": [{"size": 32, "batch_size": 2}],
            "workers": 0,
        },
        "optimizer": {"kind": "adam", "betas": [0.9, 0.99]},
        "schedule": {"steps": 4, "warmup": 0},
        # At the protocols' sizes, which no face here has.
        "validation": {"every": 100, "faces": 1, "protocols": ["celeba"]},
    }
    make_faces(tmp_path / "large", 2, size=160)
    for kind in ("images", "labels"):
        (tmp_path / "large" / kind / "001.png").replace(tmp_path / "faces" / kind / "999.png")
    path = tmp_path / "parsing.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def command(config: Path, run: Path, *overrides: str) -> list[str]:
    words = [sys.executable, "-m", "snadnet", "train", "--device", "cpu", "-c", str(config), "-r", str(run)]
    return [*words, *(word for override in overrides for word in ("-s", override))]


def start(config: Path, run: Path, *overrides: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command(config, run, *overrides),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # its process group is then its own
        preexec_fn=heed_signals,  # noqa: PLW1509
    )


def processes_of_group(group: int) -> list[int]:
    """The processes that are left of a group, zombies aside (Linux)."""
    left = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, member = status.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(member) == group and state != "Z":
            left.append(int(status.parent.name))
    return left


def wait_until_gone(group: int) -> None:
    deadline = time.monotonic() + 15
    while processes_of_group(group) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_of_group(group) == []


DAMAGE = {"damaged": b"no image", "empty": b"", "deleted": None}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_face_that_cannot_be_read_is_one_line_and_a_checkpoint_is_kept(
    tmp_path: Path, config: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second step meets it: what the first one learned is kept."""
    images = tmp_path / "faces" / "images"
    step = ParsingRecipe.training_step

    def damaging(recipe: ParsingRecipe, *arguments: object) -> dict[str, Tensor]:
        content = DAMAGE[damage]
        for path in images.iterdir():
            path.unlink() if content is None else path.write_bytes(content)
        return step(recipe, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ParsingRecipe, "training_step", damaging)
    with pytest.raises(DataError, match=rf"{images}/\d+\.png: cannot be read") as caught:
        train(load_settings(config), tmp_path / "run", device="cpu")
    assert "\n" not in str(caught.value)
    state = Checkpoints(tmp_path / "run" / "checkpoints").load_latest()
    assert state is not None
    assert state["step"] == 1


def test_workers_end_with_the_command_that_met_a_damaged_face(tmp_path: Path, config: Path) -> None:
    (tmp_path / "faces" / "images" / "002.png").write_bytes(b"no image")
    process = start(config, tmp_path / "run", "data.workers=2", "schedule.steps=1000")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    (line,) = errors.splitlines()
    assert "002.png: cannot be read as a face" in line
    wait_until_gone(process.pid)
    assert list((tmp_path / "run" / "checkpoints").glob("step-*.pt"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_to_the_whole_group_ends_in_good_order(
    tmp_path: Path, config: Path, number: signal.Signals, code: int
) -> None:
    run = tmp_path / "run"
    process = start(config, run, "data.workers=2", "schedule.steps=100000")
    deadline = time.monotonic() + 120
    while not ((run / "log.jsonl").is_file() and '"train"' in (run / "log.jsonl").read_text()):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, number)
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors.count("\n")) == (code, 1)
    assert "the same command goes on from there" in output
    wait_until_gone(process.pid)
    assert list((run / "checkpoints").glob("step-*.pt"))
    assert read_weights(run / "weights.safetensors")[0] == "bisenet-small"


def test_a_stop_is_heeded_after_the_present_step(tmp_path: Path, config: Path) -> None:
    stop = StopSignal()
    stop.request("test")
    train(load_settings(config), tmp_path / "run", device="cpu", stop=stop)
    state = Checkpoints(tmp_path / "run" / "checkpoints").load_latest()
    assert state is not None
    assert state["step"] == 0


def test_training_stops_at_the_first_loss_that_is_not_finite(tmp_path: Path, config: Path) -> None:
    settings = load_settings(config, ["optimizer.learning_rate=1e30", "checkpoint_minutes=1e-9", "validation.every=1"])
    with pytest.raises(TrainingError, match=r"step \d: .*(finite \(loss (nan|inf)|values that are not finite)"):
        train(settings, tmp_path / "run", device="cpu")
    for path in (tmp_path / "run" / "checkpoints").glob("*.pt"):
        state = torch.load(path, weights_only=True)
        assert all(tensor.isfinite().all() for part in state["modules"].values() for tensor in part.values())
    weights = tmp_path / "run" / "weights.safetensors"
    assert not weights.exists() or all(tensor.isfinite().all() for tensor in read_weights(weights)[1].values())


def test_a_checkpoint_that_is_not_finite_is_not_gone_on_from(tmp_path: Path, config: Path) -> None:
    train(load_settings(config, ["schedule.steps=1"]), tmp_path / "run", device="cpu")
    checkpoints = Checkpoints(tmp_path / "run" / "checkpoints")
    state = checkpoints.load_latest()
    assert state is not None
    next(iter(state["modules"]["network"].values())).fill_(float("nan"))
    checkpoints.save(2, state | {"step": 2})
    with pytest.raises(WeightsError, match=r"not finite .*remove the newest checkpoint"):
        train(load_settings(config), tmp_path / "run", device="cpu")


def test_the_terms_that_are_not_finite_are_named_with_the_step() -> None:
    finite = FiniteLosses()
    finite.watch(6, {"loss": torch.tensor(1.0)})
    finite.watch(
        7, {"loss": torch.tensor(float("nan")), "pixels": torch.tensor(2.0), "texture": torch.tensor(1e38) * 9}
    )
    finite.watch(8, {"loss": torch.tensor(float("inf"))})
    assert str(finite.failure).startswith("step 7: the losses are no longer finite (loss nan, texture inf); ")


OPTIMIZERS = [
    ("optimizer.betas=[0.5, 0.9]", "betas", (0.5, 0.9)),
    ("optimizer.weight_decay=0.3", "weight_decay", 0.3),
    ("optimizer.kind=adamw", "decoupled_weight_decay", True),
]


@pytest.mark.parametrize(("override", "key", "value"), OPTIMIZERS)
def test_a_resumed_run_uses_the_optimizers_present_constants(
    tmp_path: Path, config: Path, override: str, key: str, value: object
) -> None:
    train(load_settings(config, ["schedule.steps=1"]), tmp_path / "run", device="cpu")
    train(load_settings(config, ["schedule.steps=2", override]), tmp_path / "run", device="cpu")
    state = Checkpoints(tmp_path / "run" / "checkpoints").load_latest()
    assert state is not None
    optimizer = state["optimizers"]["network"]
    assert optimizer["param_groups"][0].get(key, value) == value
    assert optimizer["state"][0]["step"] == 2  # and it kept its moments
    messages = [
        record["text"]
        for record in map(json.loads, (tmp_path / "run" / "log.jsonl").read_text().splitlines())
        if record["group"] == "message"
    ]
    assert any(f"{override.partition('=')[0]} from" in message for message in messages)


def test_an_optimizer_of_another_kind_is_refused_by_one_line(tmp_path: Path, config: Path) -> None:
    train(load_settings(config, ["schedule.steps=1"]), tmp_path / "run", device="cpu")
    with pytest.raises(ConfigError, match=r"optimizer\.kind: .* moments of adam or adamw, of which sgd"):
        train(load_settings(config, ["optimizer.kind=sgd"]), tmp_path / "run", device="cpu")


def test_two_trainings_in_one_folder_are_kept_apart(tmp_path: Path, config: Path) -> None:
    run = tmp_path / "run"
    with (
        held_by_another(run) as pid,
        pytest.raises(ConfigError, match=rf"another training \(process {pid} on .*\) runs in it"),
    ):
        train(load_settings(config), run, device="cpu")
    # What the killed process left behind holds nobody up.
    assert (run / LOCK_FILE).read_text()
    with run_lock(run):
        pass
    assert (run / LOCK_FILE).read_text() == ""


def test_a_run_of_version_0_1_goes_on(tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its checkpoints name what is trained by the stage, and its settings have other names."""
    whole = tmp_path / "whole"
    train(load_settings(config), whole, device="cpu")
    former = tmp_path / "former"
    train(load_settings(config, ["checkpoint_minutes=1e-9"]), former, device="cpu")
    checkpoints = former / "checkpoints"
    (checkpoints / "step-000000004.pt").unlink()
    state = Checkpoints(checkpoints).load_latest()
    assert state is not None
    assert state["step"] == 3
    for part in ("modules", "optimizers"):
        state[part]["parser"] = state[part].pop("network")
    settings = json.loads(state["settings"])
    del settings["recipe"]
    settings["teacher"] = settings.pop("label_parser")
    monkeypatch.setitem(FORMER_NAMES, "bisenet-small-cpu", settings["model"])
    settings["model"] = "bisenet-small-cpu"
    torch.save(state | {"settings": json.dumps(settings)}, checkpoints / "step-000000003.pt")
    train(load_settings(config), former, device="cpu")
    weights = [read_weights(folder / "weights.safetensors")[1] for folder in (whole, former)]
    assert all(weights[0][key].equal(weights[1][key]) for key in weights[0])
    assert "model from" not in (former / "log.jsonl").read_text()
