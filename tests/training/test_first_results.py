"""Results of a finished network that are kept on disk, and training on them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from snadnet.blur import apply_kernel
from snadnet.concurrency import StopSignal
from snadnet.data.dataset import Augmentation, FaceDataset, SampleKey, SizeShare
from snadnet.data.degradation import Degradation
from snadnet.data.image_folder import list_faces
from snadnet.errors import ConfigError, SnadnetError
from snadnet.models import create_network, read_model, save_network
from snadnet.models.snadnet import FullSizeSNADNet
from snadnet.models.wiener.full_size import regression_maps
from snadnet.training import train
from snadnet.training.first_results import FirstResults, build_first_results, mirrored
from snadnet.training.recipes import load_settings
from snadnet.training.recipes.kept import KeptSettings
from support.face_data import make_faces
from support.held_folder import held_by_another

CONFIGS = Path(__file__).parents[2] / "configs" / "snadnet"
LINEAR = Degradation(linear_share=1.0, trajectory_share=0.0, noise=(0.0, 0.0))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A finished network and a parser, untrained, and a few drawn faces."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("files")
    made = {"first": folder / "first.safetensors", "parser": folder / "parser.safetensors"}
    torch.manual_seed(0)
    save_network(made["first"], create_network("snadnet-small"), "snadnet-small")
    save_network(made["parser"], create_network("bisenet-small"), "bisenet-small")
    made["images"], made["labels"] = make_faces(folder, 5, size=160)
    return made


def dataset(files: dict[str, Path]) -> FaceDataset:
    return FaceDataset(list_faces(files["images"], files["labels"]), LINEAR, Augmentation(flip=0.0), seed=1)


def build(files: dict[str, Path], folder: Path, counts: dict[int, int]) -> list[dict[int, int]]:
    return list(
        build_first_results(folder, dataset(files), counts, network=network(files), label_parser=files["parser"])
    )


def network(files: dict[str, Path], name: str = "snadnet-small-full") -> FullSizeSNADNet:
    """One with a full-size pass on the finished network."""
    network = create_network(name)
    assert isinstance(network, FullSizeSNADNet)
    finished = network.first.first if isinstance(network.first, FullSizeSNADNet) else network.first
    finished.load_state_dict(read_model(files["first"]).core.state_dict())
    return network.eval()


def test_results_are_those_of_the_network_and_a_build_goes_on(files: dict[str, Path], tmp_path: Path) -> None:
    assert build(files, tmp_path, {64: 16, 96: 3}) == [{64: 16, 96: 0}, {64: 16, 96: 3}]
    assert build(files, tmp_path, {64: 16, 96: 2}) == []
    store = FirstResults(tmp_path, 64, 16)
    sample = store.read([3, 0])
    expected = dataset(files)
    for place, number in enumerate((3, 0)):
        true = expected[SampleKey(number, 64)]
        torch.testing.assert_close(sample.blurred[place], true.blurred)
        torch.testing.assert_close(sample.sharp[place], true.sharp)
        torch.testing.assert_close(sample.labels[place], true.labels)
        torch.testing.assert_close(sample.kernels[place], true.kernels, atol=1e-3, rtol=0.01)
    draft = network(files).draft(sample.blurred)
    torch.testing.assert_close(sample.draft.restored, draft.restored, atol=0.5 / 255 + 1e-4, rtol=0)
    torch.testing.assert_close(sample.draft.kernel, draft.kernel, atol=1e-4, rtol=0.05)
    kept = regression_maps(sample.draft.kernel, sample.draft.restored, sample.blurred)
    torch.testing.assert_close(sample.draft.regressed, kept, atol=0.02, rtol=0.02)


def test_arrays_that_are_too_small_are_refused(files: dict[str, Path], tmp_path: Path) -> None:
    FirstResults(tmp_path, 64, 4)
    with pytest.raises(SnadnetError, match="no room for 5 faces of 64 px"):
        FirstResults(tmp_path, 64, 5)


def test_results_of_a_former_kind_are_refused(files: dict[str, Path], tmp_path: Path) -> None:
    build(files, tmp_path, {64: 1})
    (tmp_path / "64" / "regressed.npy").unlink()
    with pytest.raises(SnadnetError, match=r"lacks regressed.npy; remove the folder"):
        FirstResults(tmp_path, 64, 1)


@pytest.mark.parametrize("symmetry", range(8))
def test_a_mirrored_face_is_still_blurred_by_its_kernel(files: dict[str, Path], tmp_path: Path, symmetry: int) -> None:
    build(files, tmp_path, {64: 2})
    moved = mirrored(FirstResults(tmp_path, 64, 2).read([0, 1]), symmetry)
    for blurred, sharp, kernel in zip(moved.blurred, moved.sharp, moved.kernel, strict=True):
        again = apply_kernel(np.ascontiguousarray(sharp.permute(1, 2, 0).numpy()), kernel.numpy())
        assert np.abs(again - blurred.permute(1, 2, 0).numpy())[12:-12, 12:-12].max() < 0.02


@pytest.mark.parametrize("symmetry", range(8))
def test_what_lies_by_quarters_moves_with_them(files: dict[str, Path], tmp_path: Path, symmetry: int) -> None:
    build(files, tmp_path, {64: 1})
    marked = FirstResults(tmp_path, 64, 1).read([0])
    marked.kernels[:, 0, 1] = 2.0
    marked.sharp[..., 10, 50] = 2.0
    moved = mirrored(marked, symmetry)
    row, column = divmod(int(moved.sharp[0, 0].argmax()), 64)
    assert moved.kernels[0, row // 32, column // 32].min() == 2.0


def test_all_eight_symmetries_differ(files: dict[str, Path], tmp_path: Path) -> None:
    build(files, tmp_path, {64: 1})
    faces = [mirrored(FirstResults(tmp_path, 64, 1).read([0]), symmetry).sharp for symmetry in range(8)]
    assert all(not one.equal(other) for place, one in enumerate(faces) for other in faces[:place])


def test_results_of_a_pass_over_another_have_its_larger_kernels(files: dict[str, Path], tmp_path: Path) -> None:
    large = network(files, "snadnet-small-large")
    counts = {128: 2}
    assert list(build_first_results(tmp_path, dataset(files), counts, network=large, label_parser=files["parser"]))
    sample = FirstResults(tmp_path, 128, 2, kernel_side=large.kernel_side).read([0, 1])
    draft = large.draft(sample.blurred)
    assert sample.draft.kernel.shape == (2, 97, 97)
    torch.testing.assert_close(sample.draft.kernel, draft.kernel, atol=1e-4, rtol=0.05)
    torch.testing.assert_close(sample.draft.restored, draft.restored, atol=0.5 / 255 + 1e-4, rtol=0)
    with pytest.raises(SnadnetError, match="has no room for 2 faces of 128 px"):
        FirstResults(tmp_path, 128, 2)


def short_training(files: dict[str, Path], kept: Path, faces: dict[int, int], *, steps: int) -> list[str]:
    """Settings of a few steps on faces of 64 px."""
    source = {"images": str(files["images"]), "labels": str(files["labels"]), "hold_out": 1}
    return [
        f"data.sources=[{json.dumps(source)}]",
        "data.sizes=[{size: 64, batch_size: 2}]",
        f"first={files['first']}",
        f"label_parser={files['parser']}",
        f"first_results={json.dumps({'folder': str(kept), 'faces': faces})}",
        "schedule.time_budget=null",
        f"schedule.steps={steps}",
        "schedule.warmup=0",
        "validation={faces: 1, protocols: [celeba]}",
    ]


def test_fewer_faces_than_a_batch_are_refused(files: dict[str, Path], tmp_path: Path) -> None:
    overrides = short_training(files, tmp_path / "kept", {64: 1}, steps=1)
    settings = load_settings(CONFIGS / "full-size-kernel-cpu.yaml", overrides)
    with pytest.raises(ConfigError, match=r"first_results\.faces: 1 faces of 64 px do not fill a batch of 2"):
        train(settings, tmp_path / "run", device="cpu")
    assert not (tmp_path / "kept").exists()


def test_sizes_that_are_not_trained_on_are_not_built(files: dict[str, Path], tmp_path: Path) -> None:
    overrides = short_training(files, tmp_path / "kept", {64: 3, 96: 3}, steps=1)
    settings = load_settings(CONFIGS / "full-size-kernel-cpu.yaml", overrides)
    train(settings, tmp_path / "run", device="cpu")
    assert FirstResults(tmp_path / "kept", 64, 3).count == 3
    assert not (tmp_path / "kept" / "96").exists()
    lacking = load_settings(
        CONFIGS / "full-size-kernel-cpu.yaml", [*overrides, "data.sizes=[{size: 128, batch_size: 2}]"]
    )
    with pytest.raises(SnadnetError, match=r"of no faces of 128 px, which data\.sizes asks for"):
        train(lacking, tmp_path / "other", device="cpu")


def test_a_stop_ends_a_build_and_the_next_run_goes_on(files: dict[str, Path], tmp_path: Path) -> None:
    overrides = short_training(files, tmp_path / "kept", {64: 20}, steps=1)
    settings, stop = load_settings(CONFIGS / "full-size-kernel-cpu.yaml", overrides), StopSignal()
    stop.request("a test")
    train(settings, tmp_path / "run", device="cpu", stop=stop)
    assert FirstResults(tmp_path / "kept", 64, 20).count == 16
    with (
        held_by_another(tmp_path / "kept"),
        pytest.raises(ConfigError, match=r"kept: another training .* runs in it; stop that one, or choose another f"),
    ):
        train(settings, tmp_path / "other", device="cpu")
    train(settings, tmp_path / "run", device="cpu")
    assert FirstResults(tmp_path / "kept", 64, 20).count == 20


@pytest.mark.parametrize("part", ["full-size-kernel", "full-size-denoiser", "full-size", "full-size-natural"])
def test_each_part_of_the_training_runs(part: str, files: dict[str, Path], tmp_path: Path) -> None:
    overrides = [
        *short_training(files, tmp_path / "kept", {64: 3}, steps=3),
        "data.degradation={linear_share: 1.0, trajectory_share: 0.0, noise: [0.0, 0.0]}",
        "initial=null",
        "log_every=1",
    ]
    settings = load_settings(CONFIGS / f"{part}-cpu.yaml", overrides)
    train(settings, tmp_path / "run", device="cpu")
    before, after = read_model(files["first"]).core, read_model(tmp_path / "run" / "weights.safetensors").core
    assert isinstance(after, FullSizeSNADNet)
    for one, other in zip(before.parameters(), after.first.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    learned = {
        "full-size-kernel": after.refiner.network.tail.weight,
        "full-size-denoiser": after.deconvolution.denoiser.network.tail.weight,
    }
    whole = part in ("full-size", "full-size-natural")
    for name, weight in learned.items():
        assert (weight.abs().max() > 0) == (part == name or whole)
    assert any(bool(step.change.weight.abs().max() > 0) for step in after.deconvolution.steps) == whole
    logged = (tmp_path / "run" / "log.jsonl").read_text()
    assert ('"critic"' in logged) == ('"adversarial_small"' in logged) == (part == "full-size-natural")


def test_a_discriminator_is_for_all_of_the_pass(files: dict[str, Path], tmp_path: Path) -> None:
    overrides = short_training(files, tmp_path / "kept", {64: 3}, steps=3)
    with pytest.raises(ConfigError, match="a discriminator is for learn: all, and not for learn: kernel"):
        load_settings(CONFIGS / "full-size-natural-cpu.yaml", [*overrides, "learn=kernel"])


@pytest.mark.parametrize(
    ("faces", "message"),
    [
        ({64: 0}, "first_results.faces says of no faces of 64 px"),
        ({64: 3}, "3 faces of 64 px do not fill a batch of 4"),
    ],
)
def test_too_few_faces_are_refused(faces: dict[int, int], message: str) -> None:
    settings = KeptSettings(folder=Path("kept"), faces=faces)
    with pytest.raises(ConfigError, match=message):
        settings.counts([SizeShare(size=64, batch_size=4)], Accelerator(cpu=True), "first_results")
