"""More effort for a face: the mean of a crop's result and of its mirror image's."""

import pickle

import numpy as np
import pytest

from snadnet import Deblurrer
from snadnet.errors import ConfigError, SnadnetError
from snadnet.inference import MirroredBackend, RestoredCrops, load_model, with_effort
from snadnet.inference.resolve import check_model


class Ramp:
    """Adds what grows from left to right, with a kernel that points to the right."""

    device, model, crop_size = "cpu", None, 256

    def __call__(self, crops):
        ramp = np.linspace(0.0, 0.4, crops.shape[2], dtype=np.float32)[None, None, :, None]
        kernel = np.zeros((len(crops), 3, 3), np.float32)
        kernel[:, 1, 2] = 1.0
        parsing = np.broadcast_to(crops.mean(axis=3, keepdims=True), (*crops.shape[:3], 19))
        return RestoredCrops(crops + ramp, parsing, kernel)


def crops(count=2, width=40):
    return np.random.default_rng(3).random((count, 32, width, 3), np.float32) * 0.5


def test_both_results_are_averaged_where_they_belong():
    given = crops()
    restored, parsing, kernel, _ = MirroredBackend(Ramp())(given)
    np.testing.assert_allclose(restored, given + 0.2, atol=1e-6)  # the mean of the ramp and of the mirrored one
    np.testing.assert_array_equal(parsing, Ramp()(given).parsing)
    np.testing.assert_array_equal(kernel[0], [[0, 0, 0], [0.5, 0, 0.5], [0, 0, 0]])


def test_a_mirrored_crop_gives_the_mirrored_result():
    network, given = MirroredBackend(load_model("snadnet-tiny", "cpu")), crops(width=64)
    direct, mirrored = network(given).restored, network(given[:, :, ::-1].copy()).restored
    np.testing.assert_allclose(mirrored[:, :, ::-1], direct, atol=1e-6)


def test_what_a_network_lacks_stays_lacking(tiny_network, build_network, tmp_path):
    plain = load_model(build_network(tmp_path / "m.onnx", parses=False), "cpu")
    mirrored = with_effort(plain, 2)
    assert mirrored(crops()).parsing is mirrored(crops()).kernel is None
    assert (mirrored.device, mirrored.model, mirrored.crop_size) == (plain.device, plain.model, 256)
    assert with_effort(plain, 1) is plain


def test_effort_reaches_every_face(portrait):
    once, twice = (Deblurrer(weights="snadnet-tiny", device="cpu", effort=effort) for effort in (1, 2))
    expected = with_effort(once.network, 2)
    assert np.array_equal(
        twice.restore(portrait).photo.pixels, Deblurrer(network=expected).restore(portrait).photo.pixels
    )
    assert not np.array_equal(twice.restore(portrait).photo.pixels, once.restore(portrait).photo.pixels)
    travelled = pickle.loads(pickle.dumps(twice))
    assert np.array_equal(travelled.restore(portrait).photo.pixels, twice.restore(portrait).photo.pixels)


@pytest.mark.parametrize("effort", [0, 4, -1])
def test_other_efforts_are_refused(tiny_network, effort):
    message = f"effort {effort} is out of range; choose 1, or up to 3"
    with pytest.raises(ConfigError, match=message):
        Deblurrer(weights=tiny_network, effort=effort)
    with pytest.raises(ConfigError, match=message):
        Deblurrer(network=Ramp(), effort=effort)


def test_more_effort_goes_one_pass_further_where_there_is_one():
    """Of the default release; that pass itself, large faces and all others have their mirror image restored."""
    twice, both = (load_model("fidelity", "cpu", effort) for effort in (2, 3))
    assert twice.model == both.model == "snadnet-small-twice"
    assert not isinstance(twice, MirroredBackend)
    assert isinstance(both, MirroredBackend)
    for name in ("snadnet-small-twice", "snadnet-small-large", "natural", "snadnet-tiny"):
        assert isinstance(load_model(name, "cpu", 2), MirroredBackend)
    check_model(twice, "snadnet-small-full", "fidelity")
    with pytest.raises(SnadnetError, match="holds the model 'snadnet-small-twice', not 'snadnet-small'"):
        check_model(twice, "snadnet-small", "fidelity")
