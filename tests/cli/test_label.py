"""``snadnet label``: a sharp-face parser's label maps, for training to take as ``labels``."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from typer.testing import CliRunner

from snadnet.cli.app import app
from snadnet.data.image_folder import list_faces, read_labels
from snadnet.data.pseudo_labels import label_faces, label_file, parser_input
from snadnet.errors import DataError, ModelError
from snadnet.models import create_network, save_network
from support.face_data import make_faces

RUNNER = CliRunner()


class Brightness(nn.Module):
    """Calls a pixel class 0 to 18 by the brightness of its red."""

    def forward(self, images: Tensor) -> Tensor:
        levels = torch.arange(19).view(1, 19, 1, 1)
        return -(images[:, :1] * 18 - levels).abs()


def test_each_face_gets_its_own_labels_whatever_is_beside_it() -> None:
    faces = [torch.full((3, size, size), level / 18) for size, level in ((32, 3), (48, 7), (32, 18))]
    labels = label_faces(Brightness(), faces, torch.device("cpu"))
    assert [(classes.shape, set(np.unique(classes))) for classes in labels] == [
        ((32, 32), {3}),
        ((48, 48), {7}),
        ((32, 32), {18}),
    ]


def test_large_faces_are_parsed_small_and_labelled_in_full_size(tmp_path: Path) -> None:
    assert parser_input(np.zeros((64, 64, 3), np.uint8), size=32).shape == (3, 32, 32)
    (tmp_path / "a.png").write_bytes(label_file(np.array([[1, 2], [3, 4]], np.uint8), 4))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), np.repeat(np.repeat([[1, 2], [3, 4]], 2, 0), 2, 1))
    with pytest.raises(DataError, match="face is 8 x 4"):
        parser_input(np.zeros((4, 8, 3), np.uint8))


@pytest.fixture(scope="module")
def parser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("parser") / "parser.safetensors"
    save_network(path, create_network("bisenet-small"), "bisenet-small")
    return path


def test_a_folder_is_labelled_and_gone_on_with(tmp_path: Path, parser: Path) -> None:
    images, _ = make_faces(tmp_path / "faces", 3)
    Image.new("RGB", (64, 40)).save(images / "001.png")
    command = [
        "label",
        str(images),
        "-o",
        str(tmp_path / "out"),
        "--weights",
        str(parser),
        "--device",
        "cpu",
        "--batch-size",
        "2",
    ]
    result = RUNNER.invoke(app, command)
    assert result.exit_code == 1
    assert "001.png is 64 x 40" in result.stderr
    assert "2 labelled, 0 were there, 1 failed" in result.stdout
    before = (tmp_path / "out" / "000.png").stat().st_mtime_ns
    Image.new("RGB", (64, 64)).save(images / "001.png")
    result = RUNNER.invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "1 labelled, 2 were there, 0 failed" in result.stdout
    assert (tmp_path / "out" / "000.png").stat().st_mtime_ns == before
    faces = list_faces(images, tmp_path / "out")
    assert {read_labels(face.labels).shape for face in faces if face.labels} == {(64, 64)}


def test_labels_of_two_parsers_are_not_mixed(tmp_path: Path, parser: Path) -> None:
    images, _ = make_faces(tmp_path / "faces", 1)
    command = ["label", str(images), "-o", str(tmp_path / "out"), "--device", "cpu"]
    assert RUNNER.invoke(app, [*command, "--weights", str(parser)]).exit_code == 0
    result = RUNNER.invoke(app, command)
    assert isinstance(result.exception, DataError)
    assert "parser_sha256" in str(result.exception)


def test_a_network_that_is_no_parser_is_refused(tmp_path: Path) -> None:
    images, _ = make_faces(tmp_path / "faces", 1)
    weights = tmp_path / "weights.safetensors"
    save_network(weights, nn.Linear(1, 1), "snadnet-small")
    result = RUNNER.invoke(app, ["label", str(images), "-o", str(tmp_path / "out"), "--weights", str(weights)])
    assert isinstance(result.exception, ModelError)
