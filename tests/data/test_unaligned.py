"""Unaligned views: wholly within the picture, never enlarged, labels and pixels alike; and how methods take them."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from snadnet import Deblurrer
from snadnet.data.image_folder import FaceFile
from snadnet.data.protocols import MSPL, blurred_pair, sharp_labels
from snadnet.data.unaligned import UnalignedView
from snadnet.errors import DataError
from snadnet.evaluation.methods import find_method
from snadnet.evaluation.test_set import find_test_set

VIEW = UnalignedView()


@pytest.mark.parametrize("picture", [(160, 160), (225, 275), (1024, 700)])
def test_a_view_lies_in_the_picture_and_is_never_enlarged(picture: tuple[int, int]) -> None:
    size = 128
    corners = np.array([(x, y) for x in (-0.5, size - 0.5) for y in (-0.5, size - 0.5)])
    angles = []
    for seed in range(200):
        matrix = VIEW.matrix(picture, size, seed=seed, name="a picture")
        scale = math.hypot(matrix[0, 0], matrix[1, 0])
        assert scale <= 1 + 1e-9
        angles.append(math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])))
        inverse = np.linalg.inv(matrix[:, :2])
        places = (corners - matrix[:, 2]) @ inverse.T
        # In centres of pixels a picture reaches from -0.5 to its side less 0.5.
        assert places.min() >= -0.5 - 1e-6
        assert (places <= np.array(picture) - 0.5 + 1e-6).all()
    assert max(np.abs(angles)) <= 15
    assert np.ptp(angles) > 25


def test_labels_go_with_the_pixels(tmp_path: Path) -> None:
    classes = (np.arange(300)[:, None] // 40 + np.arange(260) // 40).astype(np.uint8) % 19
    Image.fromarray(classes).save(tmp_path / "labels.png")
    Image.fromarray(np.repeat(classes[..., None] * np.uint8(10), 3, axis=2)).save(tmp_path / "face.png")
    face = FaceFile(tmp_path / "face.png", tmp_path / "labels.png")
    for index in (0, 5):
        _, sharp = blurred_pair(face.image, MSPL, index)
        labels = sharp_labels(face, MSPL, index)
        assert labels is not None
        nearest = np.rint(sharp[..., 0] * 255 / 10)
        # Along the edges of the classes interpolated pixels lie between two of them.
        assert (nearest == labels).mean() > 0.9
    Image.fromarray(classes[:200]).save(tmp_path / "labels.png")
    with pytest.raises(DataError, match=r"labels\.png: is 260 x 200, not the size of face\.png"):
        sharp_labels(face, MSPL, 0)


def test_too_small_a_picture_is_named(tmp_path: Path) -> None:
    Image.new("RGB", (300, 156)).save(tmp_path / "small.png")
    with pytest.raises(DataError, match=r"small\.png is 300 x 156: .* at least 157 px"):
        blurred_pair(tmp_path / "small.png", MSPL, 0)


def test_networks_restore_unaligned_faces_as_deblurring_a_photo_does(
    astronaut: np.ndarray, tiny_network: Path, tmp_path: Path
) -> None:
    Image.fromarray(astronaut[:240, 100:340]).save(tmp_path / "astronaut.png")
    test_set = find_test_set(f"mspl:{tmp_path}")
    assert not test_set.aligned
    face = test_set.read(0)
    assert face.sharp.shape == (128, 128, 3)
    restored = find_method(str(tiny_network), test_set, device="cpu").restore([face.name], face.blurred[None])[0]
    expected = Deblurrer(weights=tiny_network, device="cpu").restore(face.blurred)
    assert len(expected.faces) == 1
    np.testing.assert_array_equal(restored, expected.photo.pixels)
    assert (restored != face.blurred).any()


def test_a_picture_without_a_face_comes_back_as_it_is(tiny_network: Path, tmp_path: Path) -> None:
    Image.fromarray(np.full((200, 200, 3), 90, np.uint8)).save(tmp_path / "wall.png")
    test_set = find_test_set(f"mspl:{tmp_path}")
    blurred = test_set.read(0).blurred[None]
    np.testing.assert_array_equal(find_method(str(tiny_network), test_set).restore(["wall"], blurred), blurred)
