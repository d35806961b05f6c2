"""Every baseline's recipe, by its reduced configuration file: it trains, resumes and leaves weights to restore with."""

import json
from pathlib import Path

import pytest
import torch

from snadnet.errors import SnadnetError
from snadnet.losses.perceptual import VGG_19
from snadnet.models import create_network, read_model
from snadnet.training import load_settings
from snadnet.training import train as train_network
from snadnet.training.learner import Learner
from support.face_data import make_faces

CONFIGS = Path(__file__).parents[2] / "configs"
REDUCED = ["nafnet", "deblurgan", "deblurganv2-inception", "deblurganv2-mobilenet", "dmphn", "mprnet", "umsn", "wiener"]


@pytest.fixture(scope="module")
def overrides(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Shrink a configuration: four steps on a few drawn faces."""
    torch.set_num_threads(1)
    images, labels = make_faces(tmp_path_factory.mktemp("faces"), 5, size=160)
    source = json.dumps({"images": str(images), "labels": str(labels), "hold_out": 1})
    degradation = "{linear_share: 1.0, trajectory_share: 0.0, noise: [0.0, 0.0]}"
    return [
        f"data.sources=[{source}]",
        "data.sizes=[{size: 64, batch_size: 2}]",
        f"data.degradation={degradation}",
        "data.workers=0",
        "schedule.time_budget=null",
        "schedule.steps=4",
        "schedule.warmup=0",
        "log_every=1",
        "validation={faces: 1, protocols: [celeba]}",
    ]


def config_file(name: str) -> Path:
    """The reduced configuration of a family, or of a kind of DeblurGAN-v2's network."""
    family, _, kind = name.partition("-")
    if family == "wiener":
        return CONFIGS / "wiener" / "small.yaml"
    return CONFIGS / family / (f"{kind}-tiny.yaml" if kind else "tiny.yaml")


def train(name: str, folder: Path, overrides: list[str]) -> list[dict[str, float]]:
    """Train by a reduced configuration and return what was logged of its steps."""
    settings = load_settings(config_file(name), overrides)
    scores = train_network(settings, folder, device="cpu")
    assert set(scores) >= {"celeba/psnr", "celeba/ssim"}
    records = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [record for record in records if record["group"] == "train"]


@pytest.fixture
def all_weights_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse a loss that leaves out some weights: processes that train together would wait for their gradients."""
    step_down = Learner.step_down

    def checked(learner: Learner, loss: torch.Tensor) -> None:
        weights = [weight for weight in learner.network.parameters() if weight.requires_grad]
        gradients = torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True)
        assert all(gradient is not None for gradient in gradients)
        step_down(learner, loss)

    monkeypatch.setattr(Learner, "step_down", checked)


@pytest.mark.parametrize("name", REDUCED)
@pytest.mark.usefixtures("all_weights_learn")
def test_every_recipe_trains_and_its_weights_restore(name: str, tmp_path: Path, overrides: list[str]) -> None:
    own = {
        "deblurganv2-inception": ["data.sizes=[{size: 128, batch_size: 1}]", "schedule.steps=2"],
        "umsn": ["label_parser=null"],
    }
    steps = train(name, tmp_path, [*overrides, *own.get(name, [])])
    assert [record["step"] for record in steps] == [1, 2, 3, 4][: len(steps)]
    assert len(steps) >= 2
    model = read_model(tmp_path / "weights.safetensors")
    blurred = torch.rand(1, 3, 50, 70)
    with torch.no_grad():
        restored = model(blurred)
    assert restored.shape == blurred.shape
    assert 0.0 <= restored.min() <= restored.max() <= 1.0


@pytest.mark.parametrize("name", ["dmphn", "deblurgan"])
def test_an_interrupted_run_goes_on_exactly(name: str, tmp_path: Path, overrides: list[str]) -> None:
    whole = train(name, tmp_path / "whole", overrides)
    train(name, tmp_path / "broken", [*overrides, "checkpoint_minutes=1e-9"])
    # The last step is lost, as if the machine had died in it.
    (tmp_path / "broken" / "checkpoints" / "step-000000004.pt").unlink()
    (tmp_path / "broken" / "log.jsonl").unlink()
    (again,) = train(name, tmp_path / "broken", overrides)
    for key in again.keys() - {"time", "minutes"}:
        assert again[key] == whole[3][key], key
    states = [read_model(tmp_path / run / "weights.safetensors").state_dict() for run in ("whole", "broken")]
    assert all(states[0][key].equal(states[1][key]) for key in states[0])


def messages(folder: Path) -> str:
    records = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return "\n".join(record["text"] for record in records if record["group"] == "message")


def test_given_features_are_compared_and_missing_ones_are_logged(tmp_path: Path, overrides: list[str]) -> None:
    weights = tmp_path / "vgg19.pth"
    torch.save(VGG_19.layers(15).to_empty(device="cpu").apply(_small_weights).state_dict(), weights)
    once = [*overrides, "schedule.steps=1"]
    (without,) = train("deblurganv2-mobilenet", tmp_path / "without", once)
    assert "perceptual loss is left out" in messages(tmp_path / "without")
    (given,) = train("deblurganv2-mobilenet", tmp_path / "given", [*once, f"perceptual.weights={weights}"])
    assert "left out" not in messages(tmp_path / "given")
    assert "perceptual" not in without
    assert given["pixels"] == without["pixels"]
    assert given["loss"] == pytest.approx(without["loss"] + 0.006 * given["perceptual"], rel=1e-5)


def _small_weights(module: torch.nn.Module) -> None:
    for parameter in module.parameters(recurse=False):
        torch.nn.init.constant_(parameter, 1e-3)


@pytest.mark.parametrize(
    ("name", "override", "message"),
    [
        ("nafnet", "model=snadnet-small", "recipe 'regression' does not train 'snadnet-small'"),
        ("deblurgan", "model=nafnet-tiny", "recipe 'deblurgan' does not train 'nafnet-tiny'"),
        ("nafnet", "model=bisenet", "'bisenet' is no deblurring network"),
        ("nafnet", "recipe=guess", "recipe: there is no 'guess'"),
        ("nafnet", "parser=weights.safetensors", "parser"),
        ("nafnet", "losses={ssim: 1}", "ssim"),
        ("nafnet", "schedule.factor=0.5", "factor goes with decay: plateaus"),
        ("umsn", "critic.width=8", "critic"),
        ("umsn", "label_parser=/none.safetensors", "/none.safetensors: no such weights file"),
        ("deblurgan", "perceptual.weights=/none.pth", "/none.pth: no such file with weights of VGG-19"),
        ("deblurganv2-mobilenet", "backbone.weights=/none.pth", "/none.pth: no such file with ImageNet weights"),
        ("deblurganv2-inception", "data.sizes=[{size: 64}]", "is not trained on 64 px"),
    ],
)
def test_what_does_not_fit_is_named(
    tmp_path: Path, overrides: list[str], name: str, override: str, message: str
) -> None:
    with pytest.raises(SnadnetError, match=message):
        settings = load_settings(config_file(name), [*overrides, override])
        train_network(settings, tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()


def test_a_given_backbone_is_frozen_at_first(tmp_path: Path, overrides: list[str]) -> None:
    name = "deblurganv2-mobilenet"
    torch.manual_seed(5)
    generator = create_network(f"{name}-cpu")
    backbone = generator.pyramid.backbone.state_dict()
    torch.save(backbone, tmp_path / "backbone.pth")
    given = [f"backbone.weights={tmp_path / 'backbone.pth'}", "ema_decay=0"]
    moved = {}
    for frozen in (1, 0):
        folder = tmp_path / f"frozen-{frozen}"
        train(name, folder, [*overrides, *given, f"backbone.frozen={frozen}", "schedule.steps=1"])
        trained = read_model(folder / "weights.safetensors").core.pyramid
        moved[frozen] = max(
            float((value.detach() - backbone[key]).abs().max()) for key, value in trained.backbone.named_parameters()
        )
        assert not trained.laterals[0].weight.equal(generator.pyramid.laterals[0].weight)
    assert moved[1] == 0.0
    assert moved[0] > 0.0
