"""Faces whose blur is taken for one of light, or of the file's values, whichever explains it better."""

import pickle

import numpy as np
import pytest

from snadnet import Deblurrer
from snadnet.blur import Consistency, apply_kernel, linear_kernel, measure_consistency
from snadnet.errors import ConfigError
from snadnet.image_arrays import to_float, to_uint8
from snadnet.inference import (
    LightBackend,
    RestoredCrops,
    light,
    load_model,
    with_effort,
    with_light,
    without_choice,
)
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


def test_crops_are_mixed_one_by_one(portrait, monkeypatch):
    """By the third power of what they leave, and of the two ten-thousandths that a file of 8 bits cannot show."""
    sharp = crops(portrait)
    left = {0: 0.008, 1: 0.03}

    def told(restored, given, kernel, *, in_light):
        number = int(np.abs(given - blurred_crops[1]).max() < 1e-6)
        return Consistency(left[number] if in_light else 0.01, 0.0)

    monkeypatch.setattr(light, "measure_consistency", told)
    blurred_crops = blurred(sharp, in_light=False)
    network = Knows(sharp)
    result = with_light(network, "auto")(blurred_crops)
    by_value = network(blurred_crops)
    in_light = encode_srgb(network(decode_srgb(blurred_crops)).restored)
    share = (1 / (1 + (0.0082 / 0.0102 / 0.5) ** 3) - 0.02) / 0.96
    np.testing.assert_allclose(result.restored[0], by_value.restored[0] * (1 - share) + in_light[0] * share, atol=1e-5)
    np.testing.assert_array_equal(result.restored[1], by_value.restored[1])
    # Each has the kernel and the parsing of what explains it better, whatever its share.
    assert result.in_light.tolist() == [True, False]
    assert [int(part.max()) for part in result.parsing] == [1, 0]


def test_a_kernel_of_light_is_compared_in_light(portrait):
    sharp = crops(portrait)[0]
    given = blurred(sharp[None], in_light=True)[0]
    assert measure_consistency(sharp, given, KERNEL, in_light=True).unexplained < 1e-5
    assert measure_consistency(sharp, given, KERNEL).unexplained > 1e-3


def test_what_has_not_moved_or_has_no_kernel_is_restored_once(portrait, build_network, tmp_path):
    sharp = crops(portrait)
    still = np.zeros((15, 15), np.float32)
    still[7, 7] = 1.0
    network = Knows(sharp, still)
    with_light(network, "auto")(sharp)
    assert network.calls == [2]
    blind = load_model(build_network(tmp_path / "m.onnx", parses=False), "cpu")
    assert with_light(blind, "auto")(sharp).in_light is None


def test_what_its_values_explain_is_restored_once(portrait):
    sharp = crops(portrait)
    given = blurred(sharp, in_light=False)
    network = Knows(sharp)
    with_light(network, "auto")(given)
    assert network.calls == [2]
    # A grey level more than half is left: it may be light after all.
    with_light(network, "auto")(given + np.float32(0.003) * np.sign(np.arange(96) % 2 - 0.5)[:, None])
    assert network.calls == [2, 2, 2]


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
    """The released network on a real face: the reading that is true of its photo is found, nearly to the full."""
    for in_light in (True, False):
        given = to_uint8(blurred(to_float(portrait)[None], in_light=in_light)[0])
        error = {}
        for reading in ("auto", "srgb", "linear"):
            result = Deblurrer(weights="snadnet-small", device="cpu", light=reading).restore_aligned(given)
            error[reading] = np.square(to_float(result.photo.pixels) - to_float(portrait)).mean()
            assert result.faces[0].blur.in_light == (reading == "linear" or (reading == "auto" and in_light))
        true, other = ("linear", "srgb") if in_light else ("srgb", "linear")
        # The mean of both may be nearer than either.
        assert error["auto"] < error[true] + 0.5 * (error[other] - error[true])


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
