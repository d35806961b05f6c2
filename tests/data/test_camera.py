"""What a camera does to light."""

import numpy as np
import pytest

from snadnet.data.camera import expose, unclip_highlights
from snadnet.srgb import decode_srgb, encode_srgb


def test_the_curve_and_its_inverse() -> None:
    values = np.linspace(0, 1, 101, dtype=np.float32)
    np.testing.assert_allclose(encode_srgb(decode_srgb(values)), values, atol=1e-5)
    # IEC 61966-2-1: 0.04045 is the knee, at 0.0031308 of the light; half of the light is 0.735.
    assert decode_srgb(np.float32([0.04045]))[0] == pytest.approx(0.0031308, abs=1e-6)
    assert encode_srgb(np.float32([0.5]))[0] == pytest.approx(0.7354, abs=1e-4)
    np.testing.assert_allclose(expose(np.float32([-1.0, 3.0])), [0.0, 1.0], atol=1e-6)


def test_only_what_is_nearly_white_in_all_channels_grows_brighter() -> None:
    pixels = np.float32([[[1.0, 1.0, 1.0], [1.0, 0.5, 1.0], [0.95, 0.95, 0.95], [0.3, 0.3, 0.3]]])
    light = unclip_highlights(pixels, 5.0)
    np.testing.assert_allclose(light[0, 0], 5.0)
    np.testing.assert_allclose(light[0, 1], decode_srgb(pixels)[0, 1])
    np.testing.assert_allclose(light[0, 2], 3.0 * decode_srgb(pixels)[0, 2], rtol=1e-4)
    np.testing.assert_allclose(light[0, 3], decode_srgb(pixels)[0, 3])
