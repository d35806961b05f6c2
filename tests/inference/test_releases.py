"""The released weights, end to end, on the example photos."""

import socket
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from snadnet import Deblurrer
from snadnet.cli.app import app
from snadnet.inference import OnnxBackend
from snadnet.inference.releases import WEIGHTS_BY_AIM, released_weights
from snadnet.models import read_model
from snadnet.models.snadnet import FullSizeSNADNet, SNADNet
from snadnet.photo import read_photo

PORTRAITS = sorted((Path(__file__).parents[2] / "examples" / "portraits").glob("*.jpg"))


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    return float(10 * np.log10(255.0**2 / ((first.astype(float) - second.astype(float)) ** 2).mean()))


def shaken(photo: Path, folder: Path, seed: int) -> Path:
    """Blur a photo with the project's own command."""
    target = folder / f"{photo.stem}.png"
    arguments = ["blur", str(photo), "-o", str(target), "--kernel", "trajectory", "--size", "13", "--seed", str(seed)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return target


@pytest.mark.parametrize("release", WEIGHTS_BY_AIM.values())
def test_graph_and_safetensors_are_one_network(release: str) -> None:
    network = read_model(released_weights(f"{release}.safetensors")).core
    assert isinstance(network, SNADNet | FullSizeSNADNet)
    crop = np.asarray(Image.open(PORTRAITS[0]).resize((256, 256)), dtype=np.float32)[None] / np.float32(255)
    restored, parsing, kernel, _ = OnnxBackend(released_weights(release), "cpu")(crop)
    with torch.no_grad():
        expected = network(torch.from_numpy(crop).permute(0, 3, 1, 2))
    np.testing.assert_allclose(restored, expected.restored.clamp(0, 1).permute(0, 2, 3, 1).numpy(), atol=1e-4)
    np.testing.assert_allclose(parsing, expected.parsing.permute(0, 2, 3, 1).numpy(), atol=1e-4)
    np.testing.assert_allclose(kernel, expected.full_size_kernel.numpy(), atol=1e-4)


@pytest.mark.parametrize("release", WEIGHTS_BY_AIM.values())
def test_the_weights_are_not_kept_twice(release: str) -> None:
    graph = released_weights(release)
    assert graph.stat().st_size < 1_600_000
    assert graph.with_suffix(".safetensors") == released_weights(f"{release}.safetensors")


def test_onnx_runtime_opens_the_pair_by_itself_and_computes_the_same() -> None:
    crop = np.random.default_rng(0).random((1, 64, 64, 3), np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(released_weights()), options)
    restored = session.run(["restored"], {"blurred": crop.transpose(0, 3, 1, 2)})[0].transpose(0, 2, 3, 1)
    assert np.allclose(OnnxBackend(released_weights(), "cpu")(crop).restored, restored.clip(0, 1), atol=2e-5)


def test_files_are_small_enough_to_keep() -> None:
    for release in WEIGHTS_BY_AIM.values():
        for name in (release, f"{release}.safetensors"):
            assert released_weights(name).stat().st_size <= 16_000_000


@pytest.mark.parametrize("seed", [101, 202])
@pytest.mark.parametrize("photo", PORTRAITS[:3], ids=lambda path: path.stem)
def test_a_shaken_face_comes_back_nearer_to_the_sharp_one(tmp_path: Path, photo: Path, seed: int) -> None:
    blurred = read_photo(shaken(photo, tmp_path, seed))
    result = Deblurrer().restore(blurred)
    (face,) = result.faces
    assert face.sharpness_after > face.sharpness_before
    x, y, width, height = (max(0, round(value)) for value in face.box)
    sharp = read_photo(photo).pixels[y : y + height, x : x + width]
    before = blurred.pixels[y : y + height, x : x + width]
    after = result.photo.pixels[y : y + height, x : x + width]
    assert psnr(after, sharp) > psnr(before, sharp) + 0.5


def test_natural_weights_make_a_shaken_face_sharper_than_those_of_least_error(tmp_path: Path) -> None:
    blurred = shaken(PORTRAITS[0], tmp_path, 505)
    after = {}
    for weights in WEIGHTS_BY_AIM:
        target = tmp_path / f"{weights}.png"
        result = CliRunner().invoke(app, ["deblur", str(blurred), "-o", str(target), "--weights", weights])
        assert result.exit_code == 0, result.output
        after[weights] = Deblurrer().restore(target, strength=0).faces[0].sharpness_before
    assert after["natural"] > after["fidelity"]


def test_a_sharp_face_stays_nearly_as_it_is() -> None:
    photo = read_photo(PORTRAITS[0])
    result = Deblurrer().restore(photo)
    assert psnr(result.photo.pixels, photo.pixels) > 33.0


def test_the_command_deblurs_a_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, photo in enumerate(PORTRAITS[:2]):
        shaken(photo, tmp_path / "in", number)
    result = CliRunner().invoke(app, ["deblur", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--compare"])
    assert result.exit_code == 0, result.output
    assert result.output.count("1 face: 1 restored") == 2
    assert len(list((tmp_path / "out").glob("*_compare.png"))) == 2


def test_the_command_and_the_class_give_the_same_pixels(tmp_path: Path) -> None:
    blurred = shaken(PORTRAITS[0], tmp_path, 303)
    result = CliRunner().invoke(app, ["deblur", str(blurred), "-o", str(tmp_path / "out.png")])
    assert result.exit_code == 0, result.output
    by_class = Deblurrer().restore(np.asarray(Image.open(blurred))).photo.pixels
    np.testing.assert_array_equal(read_photo(tmp_path / "out.png").pixels, by_class)


def test_nothing_leaves_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("a connection was opened")

    blurred = shaken(PORTRAITS[0], tmp_path, 404)
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    result = CliRunner().invoke(app, ["deblur", str(blurred), "-o", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    with pytest.raises(AssertionError, match="a connection was opened"):
        socket.create_connection(("localhost", 9))
