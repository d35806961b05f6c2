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
    labelled, labels = make_faces(tmp_path / "data" / "celebamask", 3, size=160)
    assert (labelled, labels) == tuple(tmp_path / "data" / "celebamask" / name for name in ("images", "labels"))
    images.rename(tmp_path / "data" / "ffhq")
    return tmp_path / "data"


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_parts_hold_all_faces_once_and_keep_labels_with_their_images(data: Path, tmp_path: Path) -> None:
    further, _ = make_faces(tmp_path / "more", 4, size=64)
    every = names(data / "ffhq")
    assert gpu_training.pack(data, [further], tmp_path / "one", 55.0) == 1
    assert names(tmp_path / "one" / "part-1" / "ffhq") == every
    size = sum(path.stat().st_size for path in (tmp_path / "one").rglob("*.*") if path.is_file()) / 1e6
    count = gpu_training.pack(data, [further], tmp_path / "some", 0.5 * size)
    assert count > 1
    parts = [tmp_path / "some" / f"part-{number}" for number in range(1, count + 1)]
    assert sorted(name for part in parts for name in names(part)) == sorted(names(tmp_path / "one" / "part-1"))
    assert max(every) in names(parts[0] / "ffhq")
    assert sum((part / "celebamask").exists() for part in parts) == 2
    for part in parts:
        if (part / "celebamask").exists():
            stems = [{Path(name).stem for name in names(part / "celebamask" / kind)} for kind in ("images", "labels")]
            assert stems[0] == stems[1]
    assert [source for source in gpu_training.sources(parts) if "hold_out" in source] == [
        {"images": str(parts[0] / "ffhq"), "hold_out": 1}
    ]


def test_all_parts_are_trained_and_weights_come_back(data: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    gpu_training.pack(data, [], tmp_path / "pack", 55.0)
    pack, run = [tmp_path / "pack" / "part-1"], tmp_path / "run"
    gpu_training.train(
        pack,
        run,
        tmp_path / "out",
        minutes=30,
        total=100,
        cpu=True,
        further=[
            "data.sizes=[{size: 128, batch_size: 2}]",
            "data.degradation={linear_share: 1.0, trajectory_share: 0.0}",
            "data.workers=0",
            "log_every=1",
            "schedule.steps=1",
            "schedule.warmup=0",
            "validation={faces: 1, protocols: [celeba]}",
        ],
    )
    releases = gpu_training.RELEASES
    assert names(tmp_path / "out") == {
        "snadnet-small.safetensors",
        *(f"{release}.safetensors" for release in releases.values()),
        *(f"{name}.jsonl" for name in releases),
    }
    read = {name: read_model(tmp_path / "out" / f"{release}.safetensors").core for name, release in releases.items()}
    assert all(isinstance(network, FullSizeSNADNet) for network in read.values())
    joint = {name: value.half() for name, value in read["joint"].state_dict().items()}
    for name in ("twice", "large"):
        below = {key: value.half() for key, value in read[name].first.state_dict().items()}
        assert all(value.equal(joint[key]) for key, value in below.items())
    # What was trained together differs from what it began with, the parser excepted.
    released = read_model(gpu_training.WEIGHTS / "snadnet-small-full.safetensors").core.state_dict()
    changed = {key for key, value in joint.items() if not value.equal(released[key].half())}
    assert any(key.startswith("first.generator") for key in changed)
    assert any(key.startswith("first.refiner") for key in changed)
    assert not any(key.startswith(("first.parser", "first.wiener")) for key in changed)
    # A later call brings all of it back, also what it did not train.
    gpu_training.train(pack, run, tmp_path / "again", minutes=0, total=100, cpu=True, further=[])
    assert names(tmp_path / "again") == names(tmp_path / "out")


def test_a_part_that_has_no_room_for_the_held_out_faces_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="its held-out faces alone are over 1e-06 MB; give more --megabytes"):
        gpu_training.pack(data, [], tmp_path / "pack", 1e-6)
    assert not (tmp_path / "pack").exists()
