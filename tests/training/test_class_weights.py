"""Class weights of the focal loss."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from snadnet.data.image_folder import FaceFile
from snadnet.errors import ConfigError
from snadnet.training import class_weights
from snadnet.training.class_weights import count_class_weights


def labelled(folder: Path, name: str, classes: list[int]) -> FaceFile:
    path = folder / f"{name}.png"
    Image.fromarray(np.array([classes], np.uint8)).save(path)
    return FaceFile(path, path)


def test_weights_of_a_tiny_set(tmp_path: Path) -> None:
    # 16 pixels of class 0, 4 of class 1 and one unknown; f ** -0.5 is sqrt(5/4) and sqrt(5), their mean over the
    # pixels 0.8 sqrt(5/4) + 0.2 sqrt(5) = 0.6 sqrt(5).
    faces = [labelled(tmp_path, "a", [0] * 10 + [1, 1, 255]), labelled(tmp_path, "b", [0] * 6 + [1, 1])]
    weights, count = count_class_weights([*faces, FaceFile(tmp_path / "c.png", None)])
    assert count == 2
    assert weights[:2] == pytest.approx([0.5 / 0.6, 1 / 0.6])
    assert 0.8 * weights[0] + 0.2 * weights[1] == pytest.approx(1)
    assert set(weights[2:]) == {weights[1]}  # of no pixel: as the rarest


def test_many_maps_are_counted_in_part_and_none_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_weights, "MAX_COUNTED", 2)
    faces = [labelled(tmp_path, str(number), [number]) for number in range(5)]
    weights, count = count_class_weights(faces)
    assert count == 2  # of 0 and 3
    assert weights.tolist() == pytest.approx([1.0] * 19)
    with pytest.raises(ConfigError, match="label maps to count"):
        count_class_weights([FaceFile(tmp_path / "c.png", None)])
