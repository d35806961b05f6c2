"""``snadnet freeze`` on miniature faces."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from snadnet.cli.app import app
from snadnet.data.protocols import CELEBA, blurred_pair
from snadnet.data.test_sets import read_test_set
from snadnet.errors import OutputExistsError
from support.face_data import make_faces

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_faces(tmp_path_factory.mktemp("faces"), 3, size=160)


def test_a_folder_is_frozen_once(faces: tuple[Path, Path], tmp_path: Path) -> None:
    images, labels = faces
    command = ["freeze", "--faces", str(images), "--labels", str(labels), "--protocol", "celeba"]
    command += ["--last", "2", "-o", str(tmp_path / "set"), "--workers", "2"]
    result = RUNNER.invoke(app, command)
    assert result.exit_code == 0, result.output
    assert f"2 faces, {CELEBA}" in result.stdout
    frozen = read_test_set(tmp_path / "set")
    assert [face.name for face in frozen.faces] == ["001", "002"]
    blurred, _ = frozen.read_pair(frozen.faces[1])
    np.testing.assert_array_equal(blurred, blurred_pair(images / "002.png", CELEBA, 1)[0])
    again = RUNNER.invoke(app, command)
    assert isinstance(again.exception, OutputExistsError)


def test_a_face_that_cannot_be_used_is_named_and_nothing_is_finished(tmp_path: Path) -> None:
    images, _ = make_faces(tmp_path / "faces", 2, size=160)
    Image.new("RGB", (170, 160)).save(images / "000.png")
    result = RUNNER.invoke(app, ["freeze", "--faces", str(images), "--protocol", "celeba", "-o", str(tmp_path / "set")])
    assert result.exit_code == 1
    assert "000.png is 170 x 160" in result.stderr
    assert "1 of 2 faces failed" in result.stdout
    assert not (tmp_path / "set" / "manifest.json").exists()


def test_an_unknown_protocol_is_refused(faces: tuple[Path, Path], tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["freeze", "--faces", str(faces[0]), "--protocol", "x", "-o", str(tmp_path / "set")])
    assert result.exit_code == 2
