"""Every baseline's recipe, by its reduced configuration file: it trains, resumes and leaves weights to restore with."""

import json
from pathlib import Path

import pytest
import torch

from face_data import make_faces
from snadnet.models import load_model, load_network
from snadnet.training.deblurring import train_deblurring
from snadnet.training.recipes import load_deblurring_settings

CONFIGS = Path(__file__).parents[1] / "configs"
REDUCED = ["nafnet"]


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


def train(name: str, folder: Path, overrides: list[str]) -> list[dict[str, float]]:
    """Train by a reduced configuration and return what was logged of its steps."""
    settings = load_deblurring_settings(CONFIGS / f"{name}-cpu.yaml", overrides)
    scores = train_deblurring(settings, folder, cpu=True)
    assert set(scores) >= {"celeba/psnr", "celeba/ssim"}
    records = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [record for record in records if record["group"] == "train"]


@pytest.mark.parametrize("name", REDUCED)
def test_every_recipe_trains_and_its_weights_restore(name: str, tmp_path: Path, overrides: list[str]) -> None:
    own = ["data.sizes=[{size: 128, batch_size: 1}]"] if "inception" in name else []
    steps = train(name, tmp_path, [*overrides, *own])
    assert [record["step"] for record in steps] == [1, 2, 3, 4]
    model = load_model(tmp_path / "weights.safetensors")
    blurred = torch.rand(1, 3, 50, 70)
    with torch.no_grad():
        restored = model(blurred)
    assert restored.shape == blurred.shape
    assert 0.0 <= restored.min() <= restored.max() <= 1.0


@pytest.mark.parametrize("name", REDUCED[:2])
def test_an_interrupted_run_goes_on_exactly(name: str, tmp_path: Path, overrides: list[str]) -> None:
    whole = train(name, tmp_path / "whole", overrides)
    train(name, tmp_path / "broken", [*overrides, "checkpoint_minutes=1e-9"])
    # The last step is lost, as if the machine had died in it.
    (tmp_path / "broken" / "checkpoints" / "step-000000004.pt").unlink()
    (tmp_path / "broken" / "log.jsonl").unlink()
    (again,) = train(name, tmp_path / "broken", overrides)
    for key in again.keys() - {"time", "minutes"}:
        assert again[key] == whole[3][key], key
    states = [load_network(tmp_path / run / "weights.safetensors").state_dict() for run in ("whole", "broken")]
    assert all(states[0][key].equal(states[1][key]) for key in states[0])
