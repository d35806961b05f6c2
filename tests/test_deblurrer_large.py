"""Large faces: they go to a network of their own, in crops of its size, and all others go where they always did."""

import pickle

import numpy as np
import pytest
from PIL import Image

from snadnet import Deblurrer
from snadnet.errors import ConfigError, WeightsError
from snadnet.faces import FaceDetector
from snadnet.inference import load_model, weights_for_large_faces
from snadnet.inference.releases import FOR_LARGE_FACES, released_weights

SHORT = np.diag([1, 2, 2, 2, 1]) / 8
"""A kernel that moves too little to be tried as one of light; along its diagonal its variance is 3."""


def enlarged(pixels: np.ndarray, factor: float) -> np.ndarray:
    height, width = pixels.shape[:2]
    return np.asarray(Image.fromarray(pixels).resize((round(factor * width), round(factor * height)), Image.LANCZOS))


@pytest.fixture(scope="module")
def large_network(build_network, tmp_path_factory):
    """A network for crops of 512 px that makes them darker, where the one for all others makes them brighter."""
    path = tmp_path_factory.mktemp("large") / "large.onnx"
    return build_network(path, gain=-0.1, metadata={"crop_size": "512"}, kernel=SHORT)


@pytest.fixture(scope="module")
def deblurrer(tiny_network, large_network):
    return Deblurrer(weights=tiny_network, large_weights=large_network, device="cpu")


@pytest.fixture(scope="module")
def two_sizes(portrait):
    """A large face on the left, a small one on the right."""
    large = enlarged(portrait, 2.5)
    small = np.full((len(large), 256, 3), 128, np.uint8)
    small[:256] = portrait
    return np.hstack([large, small])


def change_of(restoration, box) -> float:
    x, y, width, height = (int(value) for value in box)
    middle = np.s_[y + height // 3 : y + height // 2, x + width // 3 : x + width // 2]
    before, after = restoration.original.pixels[middle].astype(int), restoration.photo.pixels[middle].astype(int)
    return float(np.median(after - before))


def test_each_face_goes_to_the_network_for_its_size(deblurrer, two_sizes):
    restoration = deblurrer.restore(two_sizes)
    large, small = restoration.faces
    assert change_of(restoration, large.box) == pytest.approx(-25.5, abs=1)
    assert change_of(restoration, small.box) == pytest.approx(25.5, abs=1)
    assert large.parsing.shape == small.parsing.shape == (256, 256)
    assert large.blur.kernel.shape == (5, 5)
    assert small.blur is None


@pytest.mark.parametrize(("factor", "opened"), [(1.0, False), (2.5, True)])
def test_the_network_for_large_faces_opens_once_one_is_found(
    tiny_network, large_network, portrait, monkeypatch, *, factor, opened
):
    """And not only when its landmarks are refined, which it can do meanwhile."""
    deblurrer = Deblurrer(weights=tiny_network, large_weights=large_network, device="cpu")
    seen = []
    monkeypatch.setattr("snadnet.deblurrer.load_model", lambda *given: seen.append(given[0]) or load_model(*given))
    monkeypatch.setattr(FaceDetector, "refine", lambda _self, _pixels, face: seen.append("refined") or face)
    deblurrer.find_faces(enlarged(portrait, factor))
    assert seen == ([large_network, "refined"] if opened else ["refined"])


def test_a_blur_is_told_in_pixels_of_the_photo(deblurrer, large_network, two_sizes):
    (large, _) = deblurrer.restore(two_sizes).faces
    (same, _) = Deblurrer(weights=large_network, device="cpu").restore(two_sizes).faces
    # The crop of 512 px takes about 406 px of the photo.
    assert large.blur.length == same.blur.length == pytest.approx(1 + (np.sqrt(37) - 1) * 406 / 512, rel=0.05)


def test_one_network_alone_takes_all_faces(tiny_network, large_network, two_sizes, deblurrer):
    for alone in (
        Deblurrer(weights=tiny_network, device="cpu"),
        Deblurrer(weights=tiny_network, large_weights=large_network, max_crop=256, device="cpu"),
    ):
        restoration = alone.restore(two_sizes)
        assert [round(change_of(restoration, face.box) / 25.5) for face in restoration.faces] == [1, 1]
    with_open = Deblurrer(network=deblurrer.network, large_weights=large_network)
    assert np.array_equal(with_open.restore(two_sizes).photo.pixels, deblurrer.restore(two_sizes).photo.pixels)


def test_a_batch_changes_nothing(tiny_network, large_network, two_sizes, deblurrer):
    row = np.vstack([two_sizes, two_sizes])
    one = Deblurrer(weights=tiny_network, large_weights=large_network, device="cpu", batch_size=1)
    assert len(one.find_faces(row)) == 4
    assert np.array_equal(one.restore(row).photo.pixels, deblurrer.restore(row).photo.pixels)


@pytest.mark.parametrize(("factor", "sign"), [(1.0, 1), (383 / 256, 1), (384 / 256, -1), (3.0, -1)])
def test_an_aligned_image_is_large_from_384_px_on(deblurrer, portrait, factor, sign):
    image = enlarged(portrait, factor)
    restoration = deblurrer.restore_aligned(image)
    assert restoration.photo.pixels.shape == image.shape
    assert change_of(restoration, restoration.faces[0].box) == pytest.approx(sign * 25.5, abs=1)
    assert restoration.faces[0].parsing.shape == (256, 256)


def test_a_travelled_deblurrer_has_both_networks(deblurrer, two_sizes, monkeypatch, tmp_path):
    content = pickle.dumps(deblurrer)
    monkeypatch.chdir(tmp_path)
    travelled = pickle.loads(content)
    assert np.array_equal(travelled.restore(two_sizes).photo.pixels, deblurrer.restore(two_sizes).photo.pixels)


def test_bad_values_are_one_clear_line(tiny_network, tmp_path):
    with pytest.raises(ConfigError, match="max_crop 255 is out of range; choose at least 256"):
        Deblurrer(weights=tiny_network, max_crop=255)
    with pytest.raises(WeightsError, match=r"absent\.onnx: no such weights file"):
        Deblurrer(weights=tiny_network, large_weights=tmp_path / "absent.onnx")


@pytest.mark.parametrize("name", FOR_LARGE_FACES)
def test_a_release_brings_its_network_for_large_faces(name):
    graph, weights = released_weights(name), released_weights(f"{name}.safetensors")
    assert weights_for_large_faces(graph) == FOR_LARGE_FACES[name]
    assert weights_for_large_faces(weights) == f"{FOR_LARGE_FACES[name]}.safetensors"
    assert Deblurrer(weights=name).network.crop_size == 256


def test_a_file_of_that_name_is_not_the_release(tiny_network, tmp_path):
    own = tmp_path / "snadnet-small-full.onnx"
    own.write_bytes(tiny_network.read_bytes())
    assert weights_for_large_faces(own) is None
