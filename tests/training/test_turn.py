"""The estimator of a camera's turn: the samples that it learns from, its loss, and its training."""

import json
from pathlib import Path

import pytest
import torch

from snadnet.blur import trajectory_kernels
from snadnet.concurrency import StopSignal
from snadnet.data.dataset import Augmentation, FaceDataset, FaceSample, SampleKey
from snadnet.data.degradation import Degradation
from snadnet.data.image_folder import list_faces
from snadnet.errors import SnadnetError
from snadnet.models import create_network, read_model, save_network
from snadnet.models.snadnet import FullSizeSNADNet
from snadnet.models.wiener.turn import TURN_MAPS, turned_kernels
from snadnet.training import train
from snadnet.training.recipes import load_settings
from snadnet.training.recipes.turn import log_wiener_error
from snadnet.training.symmetries import moved
from snadnet.training.turn_samples import (
    TurnSample,
    TurnSamples,
    band_power,
    build_turn_samples,
    mirrored_sample,
    noise_variance,
)
from support.face_data import make_faces

CONFIGS = Path(__file__).parents[2] / "configs" / "snadnet"
BY_KERNELS, BY_FACES = CONFIGS / "turn-kernels-cpu.yaml", CONFIGS / "turn-cpu.yaml"
TURNING = Degradation(trajectory_share=0, rotating_share=1, rotation=(4.0, 4.0), noise=(0.0, 0.0), kernels=8)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An untrained network and a few drawn faces."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("files")
    made = {"network": folder / "network.safetensors"}
    torch.manual_seed(0)
    save_network(made["network"], create_network("snadnet-small-full"), "snadnet-small-full")
    made["images"], made["labels"] = make_faces(folder, 5, size=160)
    return made


def network(files: dict[str, Path]) -> FullSizeSNADNet:
    core = read_model(files["network"]).core
    assert isinstance(core, FullSizeSNADNet)
    return core.eval()


def dataset(files: dict[str, Path]) -> FaceDataset:
    return FaceDataset(list_faces(files["images"]), TURNING, Augmentation(flip=0.0), seed=1)


def turned_sample(noise: float, turned: float = 3.0) -> tuple[TurnSample, torch.Tensor]:
    """Kernels whose camera turned from one end to the other, and that turn."""
    kernel = torch.zeros(2, 49, 49)
    for place, path in enumerate(trajectory_kernels([25, 25], seed=3)):
        kernel[place, 12:37, 12:37] = torch.from_numpy(path)
    turn = (torch.linspace(-turned, turned, 49) + torch.linspace(-1.0, 1.0, 49).unsqueeze(1)).expand(2, -1, -1)
    power = torch.logspace(-1, -4, 10).expand(2, -1)
    kernels = turned_kernels(kernel, turn)
    maps, images, (blurred, sharp) = (
        torch.rand(2, TURN_MAPS, 49, 49),
        torch.rand(2, 3, 112, 112),
        torch.rand(2, 2, 3, 64, 64),
    )
    return TurnSample(kernel, maps, images, blurred, sharp, kernels, power, torch.full((2,), noise)), turn


def test_samples_are_what_the_network_sees_and_a_build_goes_on(files: dict[str, Path], tmp_path: Path) -> None:
    counts = {64: 17, 96: 2}
    assert next(build_turn_samples(tmp_path, dataset(files), counts, network=network(files))) == {64: 16, 96: 0}
    rest = list(build_turn_samples(tmp_path, dataset(files), counts, network=network(files)))
    assert rest == [{64: 16, 96: 2}, {64: 17, 96: 2}]
    sample = TurnSamples(tmp_path, 64, 17, kernel_side=49).read([16, 3])
    pair = [dataset(files)[SampleKey(number, 64)] for number in (16, 3)]
    faces = FaceSample(*(torch.stack(part) for part in zip(*pair, strict=True)))
    sight = network(files).turn_sight(faces.blurred)
    torch.testing.assert_close(sample.kernel, sight.kernel, atol=1e-4, rtol=0.01)
    torch.testing.assert_close(sample.maps, sight.maps, atol=0.02, rtol=0.02)
    torch.testing.assert_close(sample.images, sight.images, atol=1e-3, rtol=1e-3)
    for kept, made in ((sample.blurred, faces.blurred), (sample.sharp, faces.sharp)):
        torch.testing.assert_close(kept, made, atol=0.5 / 255 + 1e-6, rtol=0)
    torch.testing.assert_close(sample.kernels, faces.kernels.flatten(1, 2), atol=1e-3, rtol=0.01)
    torch.testing.assert_close(sample.power, band_power(faces.sharp))
    torch.testing.assert_close(sample.noise, noise_variance(faces))


def test_the_power_of_noise_is_its_variance() -> None:
    torch.manual_seed(0)
    power = band_power(0.5 + 0.1 * torch.randn(64, 3, 64, 64))
    torch.testing.assert_close(power.mean(dim=0)[1:], torch.full((9,), 0.01), rtol=0.1, atol=0)


def test_noise_is_told_from_what_was_blurred(files: dict[str, Path]) -> None:
    noisy = Degradation(noise=(0.03, 0.03), kernels=8)
    face = FaceDataset(list_faces(files["images"]), noisy, Augmentation(), seed=1)
    batch = FaceSample(*(part.unsqueeze(0) for part in face[SampleKey(0, 160)]))
    assert noise_variance(batch).sqrt().item() == pytest.approx(0.03, rel=0.1)
    still = batch._replace(blurred=batch.sharp, kernels=torch.zeros_like(batch.kernels))
    still.kernels[..., 24, 24] = 1.0
    assert noise_variance(still).sqrt().item() == pytest.approx(0.4 / 255)


@pytest.mark.parametrize("noise", [1e-6, 1e-3])
def test_the_true_turn_has_the_least_error(noise: float) -> None:
    sample, turn = turned_sample(noise)
    true, half, none, wrong = (log_wiener_error(sample, share * turn) for share in (1.0, 0.5, 0.0, -1.0))
    assert (true < half).all()
    assert (half < none).all()
    assert (none < wrong).all()
    known = sample._replace(kernel=sample.kernels[:, 0], kernels=sample.kernels[:, :1].expand(-1, 4, -1, -1))
    assert (log_wiener_error(known, torch.zeros_like(turn)) < log_wiener_error(known, turn)).all()


def test_a_wrong_turn_costs_less_under_noise() -> None:
    (clear, turn), (noisy, _) = turned_sample(1e-6), turned_sample(1e-3)
    lost = [log_wiener_error(each, 0.0 * turn) - log_wiener_error(each, turn) for each in (clear, noisy)]
    assert (lost[1] < lost[0]).all()


@pytest.mark.parametrize("symmetry", range(8))
def test_the_quarters_of_a_mirrored_sample_fit_its_turn(symmetry: int) -> None:
    sample, turn = turned_sample(1e-4)
    turned = moved(turn, symmetry) * (-1.0 if symmetry % 2 else 1.0)
    found = mirrored_sample(sample, symmetry)
    torch.testing.assert_close(turned_kernels(found.kernel, turned), found.kernels, atol=1e-5, rtol=1e-3)
    torch.testing.assert_close(log_wiener_error(found, turned), log_wiener_error(sample, turn), atol=0.02, rtol=0)
    for name in ("images", "blurred", "sharp"):
        torch.testing.assert_close(getattr(found, name), moved(getattr(sample, name), symmetry))


def short_training(files: dict[str, Path], kept: Path, *, steps: int) -> list[str]:
    source = {"images": str(files["images"]), "hold_out": 1}
    return [
        f"data.sources=[{json.dumps(source)}]",
        "data.sizes=[{size: 64, batch_size: 2}]",
        f"initial={files['network']}",
        f"samples={json.dumps({'folder': str(kept), 'faces': {64: 18}})}",
        "schedule.time_budget=null",
        f"schedule.steps={steps}",
        "schedule.warmup=0",
        "log_every=1",
        "validation={faces: 1, protocols: [celeba]}",
    ]


@pytest.mark.parametrize(
    ("config", "learning"),
    [(BY_KERNELS, {"turn_estimator.network"}), (BY_FACES, {"turn_estimator", "deconvolution.steps.1"})],
)
def test_nothing_learns_but_the_last_round(
    files: dict[str, Path], tmp_path: Path, config: Path, learning: set[str]
) -> None:
    overrides, stop = short_training(files, tmp_path / "kept", steps=3), StopSignal()
    stop.request("a test")
    train(load_settings(config, overrides), tmp_path / "run", device="cpu", stop=stop)
    assert TurnSamples(tmp_path / "kept", 64, 18, kernel_side=49).count == 16
    train(load_settings(config, overrides), tmp_path / "run", device="cpu")
    assert TurnSamples(tmp_path / "kept", 64, 18, kernel_side=49).count == 18
    logged = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    steps = [record for record in logged if record["group"] == "train"]
    assert [record["faces"] for record in steps] == [2, 4, 6]
    assert steps[0].get("gain", 0.0) == 0.0
    before = network(files).state_dict()
    after = read_model(tmp_path / "run" / "weights.safetensors").core.state_dict()
    assert before.keys() == after.keys()
    changed = {key for key in before if not before[key].equal(after[key])}
    assert {next(part for part in learning if key.startswith(part)) for key in changed} == learning


def test_weights_without_an_estimator_get_one(files: dict[str, Path], tmp_path: Path) -> None:
    former = network(files)
    former.turn_estimator = None
    save_network(tmp_path / "former.safetensors", former, "snadnet-small-full")
    overrides = [*short_training(files, tmp_path / "kept", steps=1), f"initial={tmp_path / 'former.safetensors'}"]
    train(load_settings(BY_KERNELS, overrides), tmp_path / "run", device="cpu")
    found = read_model(tmp_path / "run" / "weights.safetensors").core
    assert isinstance(found, FullSizeSNADNet)
    assert found.turn_estimator is not None


def test_a_network_without_an_estimator_is_refused(files: dict[str, Path], tmp_path: Path) -> None:
    overrides = [*short_training(files, tmp_path / "kept", steps=1), "model=snadnet-small-twice", "initial=null"]
    with pytest.raises(SnadnetError, match="'snadnet-small-twice' has no estimator of the turn"):
        train(load_settings(BY_KERNELS, overrides), tmp_path / "run", device="cpu")
