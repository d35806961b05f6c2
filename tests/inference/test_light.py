"""Faces whose blur is taken for one of light, or of the file's values, whichever explains it better."""

import pickle

import numpy as np
import pytest

from snadnet import Deblurrer
from snadnet.blur import apply_kernel, linear_kernel, unexplained
from snadnet.errors import ConfigError
from snadnet.image_arrays import to_float, to_uint8
from snadnet.inference import LightBackend, RestoredCrops, load_model, with_effort, with_light, without_choice
from snadnet.srgb import decode_srgb, encode_srgb

KERNEL = linear_kernel(15, 20)


class Knows:
    """Knows the sharp crops, in the values that it is shown, and how they were blurred."""

    device, model, crop_size = "cpu", None, 256

    def __init__(self, sharp, kernel=KERNEL, *, in_light=False):
        self.sharp, self.kernel, self.in_light, self.calls = sharp, kernel, in_light, []

    def __call__(self, crops):
        self.calls.append(len(crops))
        # Where the wrong values are shown, what comes back explains nothing.
        darker = crops.mean() < 0.9 * self.sharp.mean()
        given = decode_srgb(self.sharp) if darker else self.sharp
        restored = given if darker == self.in_light else 0.5 * given
        count = len(crops)
        parsing = np.full((count, *crops.shape[1:3], 19), float(darker), np.float32)
        return RestoredCrops(restored[:count], parsing, np.stack([self.kernel] * count))


def crops(portrait, count=2):
    face = to_float(portrait[80:176, 80:176])
    return np.stack([face, face[:, ::-1]][:count])


def blurred(sharp, *, in_light):
    """What a camera, or a program, makes of crops."""
    if in_light:
        return np.stack([encode_srgb(apply_kernel(decode_srgb(each), KERNEL)) for each in sharp])
    return np.stack([apply_kernel(each, KERNEL) for each in sharp])


@pytest.mark.parametrize("in_light", [True, False])
def test_what_explains_a_crop_better_is_kept(portrait, in_light):
    sharp = crops(portrait)
    network = Knows(sharp, in_light=in_light)
    given = blurred(sharp, in_light=in_light)
    result = with_light(network, "auto")(given)
    np.testing.assert_allclose(result.restored, sharp, atol=1e-5)
    if in_light:
        assert result.in_light.tolist() == [True, True]
        assert (result.parsing == 1).all()
    else:
        assert result.in_light is None
        assert (result.parsing == 0).all()


def test_each_crop_is_judged_by_itself(portrait):
    sharp = crops(portrait, count=1)
    batch = RestoredCrops(np.zeros((3, 4, 4, 3), np.float32), None, np.zeros((3, 5, 5), np.float32))
    light = RestoredCrops(np.ones((1, 4, 4, 3), np.float32), None, np.ones((1, 5, 5), np.float32))
    mixed = batch.replaced(light, {1: 0})
    assert mixed.in_light.tolist() == [False, True, False]
    assert mixed.restored[1].min() == mixed.kernel[1].min() == 1
    assert not mixed.restored[[0, 2]].any()
    assert not batch.restored.any()
    assert batch.replaced(light, {}) is batch
    assert unexplained(sharp[0], blurred(sharp, in_light=True)[0], KERNEL, in_light=True) < 1e-5
    assert unexplained(sharp[0], blurred(sharp, in_light=True)[0], KERNEL, in_light=False) > 1e-3


def test_what_has_not_moved_or_has_no_kernel_is_restored_once(portrait, build_network, tmp_path):
    sharp = crops(portrait)
    still = np.zeros((15, 15), np.float32)
    still[7, 7] = 1.0
    network = Knows(sharp, still)
    with_light(network, "auto")(sharp)
    assert network.calls == [2]
    blind = load_model(build_network(tmp_path / "m.onnx", parses=False), "cpu")
    assert with_light(blind, "auto")(sharp).in_light is None


def test_all_crops_in_light_if_that_is_asked(portrait):
    sharp = crops(portrait)
    network = Knows(sharp, in_light=True)
    result = with_light(network, "linear")(blurred(sharp, in_light=True))
    assert network.calls == [2]
    assert result.in_light.all()
    np.testing.assert_allclose(result.restored, sharp, atol=1e-5)


def test_a_clip_does_not_choose_from_frame_to_frame(portrait):
    network = Knows(crops(portrait))
    assert without_choice(with_light(network, "auto")) is network
    assert without_choice(with_light(network, "linear")) == LightBackend(network, chooses=False)
    assert without_choice(network) is network is with_light(network, "srgb")


def test_a_photo_that_a_camera_blurred_comes_back_nearer(portrait):
    """The released network on a real face: each reading is found, and is the better one for its photo."""
    for in_light in (True, False):
        given = to_uint8(blurred(to_float(portrait)[None], in_light=in_light)[0])
        error = {}
        for light in ("auto", "srgb", "linear"):
            result = Deblurrer(weights="snadnet-small", device="cpu", light=light).restore_aligned(given)
            error[light] = np.square(to_float(result.photo.pixels) - to_float(portrait)).mean()
            assert result.faces[0].blur.in_light == (light == "linear" or (light == "auto" and in_light))
        assert error["auto"] == error["linear" if in_light else "srgb"] == min(error.values())


def test_the_choice_travels_and_goes_with_effort(portrait):
    deblurrer = Deblurrer(weights="snadnet-tiny", device="cpu", effort=2, light="linear")
    expected = with_light(with_effort(load_model("snadnet-tiny", "cpu"), 2), "linear")
    pixels = Deblurrer(network=expected, light="srgb").restore(portrait).photo.pixels
    for each in (deblurrer, pickle.loads(pickle.dumps(deblurrer))):
        assert np.array_equal(each.restore(portrait).photo.pixels, pixels)
    assert (deblurrer.network.model, deblurrer.network.crop_size, deblurrer.device) == ("snadnet-tiny", 256, "cpu")


def test_another_word_is_refused(tiny_network):
    with pytest.raises(ConfigError, match="light 'gamma' is unknown; choose one of: auto, srgb, linear"):
        Deblurrer(weights=tiny_network, light="gamma")
