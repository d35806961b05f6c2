"""Whole training runs in miniature: they learn, and they go on exactly where they stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from typer.testing import CliRunner

from snadnet.cli.app import app
from snadnet.errors import ConfigError, DataError, SnadnetError
from snadnet.models import create_network, describe_model, read_model, read_weights, registry, save_network
from snadnet.models.bisenet import BiSeNet
from snadnet.models.snadnet import SMALL, SNADNet
from snadnet.training import load_settings, train
from snadnet.training.run import Run
from support.face_data import make_faces

TINY = replace(SMALL, widths=(8, 8, 8), encoder_depths=(1, 1, 1), decoder_depths=(1, 1, 1), guidance_width=4)


@pytest.fixture(autouse=True)
def tiny_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put two networks that train in seconds into the registry.

    At half the parser's width, PyTorch 2.14 writes past its memory in the backward pass on processors without AVX-512:
    a channels-last 1 x 1 convolution of stride 2 and four channels.
    """
    parser = replace(describe_model("bisenet"), name="tiny-parser", build=lambda: BiSeNet(0.125))
    network = replace(describe_model("snadnet-small"), name="tiny", build=lambda: SNADNet(TINY, parser_width=0.125))
    monkeypatch.setitem(registry._REGISTRY, "tiny-parser", parser)
    monkeypatch.setitem(registry._REGISTRY, "tiny", network)
    torch.set_num_threads(1)


@pytest.fixture
def parsing_config(tmp_path: Path) -> Path:
    images, labels = make_faces(tmp_path / "faces", 12, size=256)
    settings = {
        "recipe": "parsing",
        "model": "tiny-parser",
        "gamma": 2.0,
        "log_every": 1,
        "data": {
            "sources": [{"images": str(images), "labels": str(labels), "hold_out": 4}],
            "sizes": [{"size": 64, "batch_size": 4}],
            "degradation": {"linear_share": 1.0, "kernels": 4},
            "workers": 0,
        },
        "optimizer": {"kind": "adamw", "learning_rate": 0.003, "betas": [0.9, 0.99]},
        "schedule": {"steps": 6, "warmup": 1},
        "validation": {"every": 100, "faces": 2, "protocols": ["celeba"]},
    }
    path = tmp_path / "parsing.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


@pytest.fixture
def deblurring_config(tmp_path: Path, parsing_config: Path) -> Path:
    weights = tmp_path / "parser.safetensors"
    torch.manual_seed(0)
    save_network(weights, create_network("tiny-parser"), "tiny-parser")
    wiener = tmp_path / "wiener.safetensors"
    save_network(wiener, create_network("wiener-small"), "wiener-small")
    settings = yaml.safe_load(parsing_config.read_text())
    del settings["gamma"]
    settings |= {
        "recipe": "snadnet",
        "model": "tiny",
        "parser": str(weights),
        "adversarial": {"start": 0.5, "width": 8},
    }
    settings |= {"wiener": str(wiener), "losses": {"fidelity": 1.0}}
    path = tmp_path / "deblurring.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def curve(folder: Path) -> dict[int, float]:
    """The loss by step; where a step was logged twice (before and after a resume), the last counts."""
    records = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return {record["step"]: record["loss"] for record in records if record["group"] == "train"}


def test_the_parser_learns(tmp_path: Path, parsing_config: Path) -> None:
    settings = load_settings(parsing_config, ["schedule.steps=25"])
    scores = train(settings, tmp_path / "run", device="cpu")
    losses = curve(tmp_path / "run")
    assert losses[25] < 0.85 * losses[1]
    assert set(scores) == {"celeba/miou"}
    assert isinstance(read_model(tmp_path / "run" / "weights.safetensors"), BiSeNet)


def test_class_weights_are_counted_on_the_training_labels(tmp_path: Path, parsing_config: Path) -> None:
    train(load_settings(parsing_config, ["schedule.steps=1", "alpha=counted"]), tmp_path / "run", device="cpu")
    log = (tmp_path / "run" / "log.jsonl").read_text()
    assert "class weights (alpha), counted on " in log
    assert "background 0." in log
    overrides = ["alpha=counted", "data.sources.0.labels=null"]
    with pytest.raises(ConfigError, match="label"):
        train(load_settings(parsing_config, overrides), tmp_path / "other", device="cpu")


@pytest.mark.parametrize("stage", ["parsing", "deblurring"])
def test_an_interrupted_run_goes_on_exactly(
    tmp_path: Path, stage: str, parsing_config: Path, deblurring_config: Path
) -> None:
    def run(folder: str, *overrides: str) -> dict[int, float]:
        config = parsing_config if stage == "parsing" else deblurring_config
        train(load_settings(config, overrides), tmp_path / folder, device="cpu")
        return curve(tmp_path / folder)

    whole = run("whole")
    # A checkpoint after every step; the copy loses the last two, as if the machine had died there.
    run("broken", "checkpoint_minutes=1e-9")
    kept = sorted((tmp_path / "broken" / "checkpoints").glob("*.pt"))
    assert [path.stem for path in kept] == ["step-000000005", "step-000000006"]
    kept[-1].unlink()
    (tmp_path / "broken" / "log.jsonl").unlink()
    resumed = run("broken")
    assert resumed == {6: whole[6]}
    weights = [read_model(tmp_path / run / "weights.safetensors").state_dict() for run in ("whole", "broken")]
    for key, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][key], rtol=0, atol=0)


def test_stage_two_trains_with_and_without_the_discriminator(tmp_path: Path, deblurring_config: Path) -> None:
    scores = train(load_settings(deblurring_config, []), tmp_path / "run", device="cpu")
    assert scores["celeba/psnr"] == pytest.approx(scores["celeba/blurred_psnr"] + scores["celeba/gain"])
    records = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    adversarial = [record["step"] for record in records if "adversarial" in record]
    assert adversarial == [4, 5, 6]  # from half of the six steps on
    # Every output of the discriminator is logged; weighted by Eq. 14 they are the term.
    parts = {"small": 0.2, "medium": 0.4, "large": 0.8, "whole": 1.0}
    for record in (each for each in records if "adversarial" in each):
        whole = sum(weight * record[f"adversarial_{name}"] for name, weight in parts.items())
        assert record["adversarial"] == pytest.approx(whole, rel=1e-5)
    assert list((tmp_path / "run" / "samples").glob("celeba-*.png"))
    assert list((tmp_path / "run" / "tensorboard").iterdir())


def test_faces_without_labels_need_a_sharp_face_parser(tmp_path: Path, deblurring_config: Path) -> None:
    overrides = ["data.sources.0.labels=null"]
    with pytest.raises(ConfigError, match="label_parser"):
        train(load_settings(deblurring_config, overrides), tmp_path / "run", device="cpu")
    overrides.append(f"label_parser={tmp_path / 'parser.safetensors'}")
    overrides.append("schedule.steps=1")
    settings = load_settings(deblurring_config, overrides)
    assert train(settings, tmp_path / "run", device="cpu")


def test_the_guides_in_the_weights_are_those_that_were_given(tmp_path: Path, deblurring_config: Path) -> None:
    train(load_settings(deblurring_config, ["schedule.steps=1"]), tmp_path / "run", device="cpu")
    whole = read_model(tmp_path / "run" / "weights.safetensors").core
    assert isinstance(whole, SNADNet)
    for guide, file in ((whole.parser, "parser"), (whole.wiener, "wiener")):
        assert guide is not None
        given = read_weights(tmp_path / f"{file}.safetensors")[1]
        assert all(tensor.equal(given[key]) for key, tensor in guide.state_dict().items())


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("wiener=null", "wiener: 'tiny' needs weights of the blind deconvolution"),
    ],
)
def test_blind_deconvolution_is_given_where_it_is_used(
    tmp_path: Path, deblurring_config: Path, override: str, message: str
) -> None:
    overrides = [override, f"parser={tmp_path / 'small.safetensors'}"]
    save_network(tmp_path / "small.safetensors", create_network("bisenet-small"), "bisenet-small")
    if "wiener" in override:
        overrides.pop()
    with pytest.raises(ConfigError, match=message):
        train(load_settings(deblurring_config, overrides), tmp_path / "run", device="cpu")


def test_what_a_model_cannot_use_is_left_out_with_a_line_in_the_log(
    tmp_path: Path, deblurring_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same configuration serves the experiments without a blind deconvolution."""
    blind = replace(TINY, deconvolved_channels=0, refinement_pass=False)
    network = replace(describe_model("tiny"), name="tiny-blind", build=lambda: SNADNet(blind, parser_width=0.125))
    monkeypatch.setitem(registry._REGISTRY, "tiny-blind", network)
    settings = load_settings(deblurring_config, ["model=tiny-blind", "schedule.steps=1"])
    train(settings, tmp_path / "run", device="cpu")
    assert "wiener is left out: 'tiny-blind' has no blind deconvolution" in (tmp_path / "run" / "log.jsonl").read_text()


def test_a_parser_starts_from_imagenet_s_backbone(tmp_path: Path, parsing_config: Path) -> None:
    backbone = create_network("tiny-parser").backbone.state_dict()
    torch.save(backbone | {"fc.weight": torch.zeros(1000, 8), "fc.bias": torch.zeros(1000)}, tmp_path / "resnet18.pth")
    overrides = [f"backbone={tmp_path / 'resnet18.pth'}", "schedule.steps=1", "optimizer.learning_rate=1e-12"]
    train(load_settings(parsing_config, [*overrides, "ema_decay=0"]), tmp_path / "run", device="cpu")
    trained = read_model(tmp_path / "run" / "weights.safetensors").backbone
    for name, weight in trained.named_parameters():
        torch.testing.assert_close(weight, backbone[name], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["backbone=/none.pth"], "/none.pth: no such file with ImageNet weights of ResNet18; get it from"),
        (["backbone=wide.pth", "initial=parser.safetensors"], "backbone: initial holds a backbone already"),
    ],
)
def test_a_backbone_that_cannot_be_used_is_named(
    tmp_path: Path, parsing_config: Path, overrides: list[str], message: str
) -> None:
    save_network(tmp_path / "parser.safetensors", create_network("tiny-parser"), "tiny-parser")
    overrides = [override.replace("initial=", f"initial={tmp_path}/") for override in overrides]
    with pytest.raises(SnadnetError, match=message):
        train(load_settings(parsing_config, overrides), tmp_path / "run", device="cpu")


@pytest.mark.parametrize("verb", ["parsing", "deblurring"])
def test_the_former_verbs_say_the_present_one(tmp_path: Path, parsing_config: Path, verb: str) -> None:
    result = CliRunner().invoke(app, ["train", verb, "-c", str(parsing_config), "-r", str(tmp_path / "run")])
    assert isinstance(result.exception, ConfigError)
    assert "write: snadnet train -c FILE -r RUN" in str(result.exception)
    assert not (tmp_path / "run").exists()


class Recorder:
    """A display, and a callback."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.progress: list[float] = []
        self.steps: list[int] = []

    def log_message(self, line: str) -> None:
        self.lines.append(line)

    def advance(self, progress: float, state: str) -> None:
        self.progress.append(progress)

    def after_step(self, run: Run, losses: Mapping[str, object]) -> None:
        assert {"loss", "learning_rate"} <= losses.keys()
        self.steps.append(run.step)

    def at_end(self, run: Run) -> None:
        self.steps.append(-run.step)


def test_a_display_and_callbacks_follow_the_run_and_the_library_prints_nothing(
    tmp_path: Path, parsing_config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = Recorder()
    settings = load_settings(parsing_config, ["schedule.steps=2"])
    train(settings, tmp_path / "run", device="cpu", display=recorder, callbacks=[recorder])
    assert recorder.progress == [0.5, 1.0]
    assert recorder.steps == [1, 2, -2]
    assert recorder.lines[-1].startswith("step 2: celeba/miou")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.sources.0.images=/nowhere", "/nowhere: no such folder"),
        ("data.sources.0.hold_out=0", "hold_out"),
        ("data.sources.0.hold_out=12", "none to train on"),
        ("model=tiny", "is no parser"),
        ("initial=/none.safetensors", "no such weights file"),
    ],
)
def test_bad_set_ups_end_in_one_clear_line(tmp_path: Path, parsing_config: Path, override: str, message: str) -> None:
    with pytest.raises(SnadnetError, match=message):
        train(load_settings(parsing_config, [override]), tmp_path / "run", device="cpu")


def test_an_unreadable_training_picture_is_named(tmp_path: Path, parsing_config: Path) -> None:
    images = tmp_path / "faces" / "images"
    for path in sorted(images.iterdir())[:8]:
        path.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"00\d\.png"):
        train(load_settings(parsing_config, []), tmp_path / "run", device="cpu")


def test_the_command_trains_within_a_time_budget(tmp_path: Path, parsing_config: Path) -> None:
    arguments = ["train", "-c", str(parsing_config), "-r", str(tmp_path / "run"), "--time-budget", "1s"]
    result = CliRunner().invoke(app, [*arguments, "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert "celeba/miou" in result.output
    assert (tmp_path / "run" / "weights.safetensors").is_file()


def test_two_processes_on_the_cpu_train_one_network(tmp_path: Path, parsing_config: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m"]
    command += ["snadnet", "train", "-c", str(parsing_config), "-r", str(run)]
    for override in ("model=bisenet-small", "schedule.steps=3"):
        command += ["--set", override]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(command, env=environment, check=True, timeout=120, capture_output=True)
    records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    # Processes that did not find each other would each write these.
    assert [record["step"] for record in records if record["group"] == "train"] == [1, 2, 3]


def test_a_run_killed_at_any_moment_resumes(tmp_path: Path, parsing_config: Path) -> None:
    """Kill -9 while checkpoints are being written all the time; then go on."""
    run = tmp_path / "run"
    overrides = ["model=bisenet-small", "schedule.steps=1000", "checkpoint_minutes=1e-9"]
    command = [
        sys.executable,
        "-m",
        "snadnet",
        "train",
        "--device",
        "cpu",
        "-c",
        str(parsing_config),
        "-r",
        str(run),
    ]
    for override in overrides:
        command += ["--set", override]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(list((run / "checkpoints").glob("step-*.pt"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    reached = max(int(path.stem.split("-")[1]) for path in (run / "checkpoints").glob("step-*.pt"))
    assert reached >= 2
    settings = load_settings(parsing_config, [*overrides[:1], f"schedule.steps={reached + 1}"])
    train(settings, run, device="cpu")
    assert max(curve(run)) >= reached + 1
    assert not list((run / "checkpoints").glob(".*.tmp"))
