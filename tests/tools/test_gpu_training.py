"""The script for a lent GPU, on a CPU with a budget of seconds."""

from pathlib import Path

import pytest
import torch

import gpu_training
from snadnet.models import read_model
from snadnet.models.snadnet import FullSizeSNADNet
from support.face_data import make_faces


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(gpu_training, "HELD_OUT", 1)
    images, _ = make_faces(tmp_path / "drawn", 6, size=160)
    (tmp_path / "data").mkdir()
    images.rename(tmp_path / "data" / "ffhq")
    return tmp_path / "data"


def test_a_pack_holds_what_there_is_room_for(data: Path, tmp_path: Path) -> None:
    names = sorted(path.name for path in (data / "ffhq").iterdir())
    assert gpu_training.pack(data, tmp_path / "all", 45.0) == 5
    assert sorted(path.name for path in (tmp_path / "all" / "ffhq").iterdir()) == names
    size = sum(path.stat().st_size for path in (data / "ffhq").iterdir()) / 1e6
    assert gpu_training.pack(data, tmp_path / "some", 0.6 * size) < 5
    assert names[-1] in {path.name for path in (tmp_path / "some" / "ffhq").iterdir()}


def test_all_parts_are_trained_and_weights_come_back(data: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    gpu_training.pack(data, tmp_path / "pack", 45.0)
    gpu_training.train(
        tmp_path / "pack",
        tmp_path / "run",
        tmp_path / "out",
        minutes=30,
        total=100,
        cpu=True,
        further=[
            "data.sizes=[{size: 64, batch_size: 1}]",
            "data.degradation={linear_share: 1.0, trajectory_share: 0.0}",
            "data.workers=0",
            "log_every=1",
            "schedule.steps=1",
            "schedule.warmup=0",
            "validation={faces: 1, protocols: [celeba]}",
        ],
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "weights.safetensors",
        "full-size-kernel.jsonl",
        "full-size-denoiser.jsonl",
        "full-size.jsonl",
    }
    network = read_model(tmp_path / "out" / "weights.safetensors").core
    assert isinstance(network, FullSizeSNADNet)
    assert network.deconvolution.denoiser.network.tail.weight.abs().max() > 0
