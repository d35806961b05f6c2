"""Sharpness: less with every blur, none where nothing is, little moved by noise."""

import cv2
import numpy as np
import pytest

from snadnet.faces.sharpness import measure_sharpness


@pytest.fixture(scope="module")
def crop(astronaut):
    face = cv2.resize(astronaut[30:210, 134:314], (256, 256), interpolation=cv2.INTER_AREA)
    return face.astype(np.float32) / 255


def test_blur_lowers_it(crop):
    values = [measure_sharpness(crop)]
    values += [measure_sharpness(cv2.blur(crop, (length, 1))) for length in (5, 9, 17, 33)]
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.6 * values[0]


def test_a_flat_crop_has_none():
    assert measure_sharpness(np.full((256, 256, 3), 0.7, np.float32)) == pytest.approx(0, abs=1e-3)


def test_contrast_scales_it_and_brightness_does_not(crop):
    assert measure_sharpness(crop * 0.5) == pytest.approx(0.5 * measure_sharpness(crop), rel=1e-4)
    assert measure_sharpness(crop * 0.5 + 0.3) == pytest.approx(measure_sharpness(crop * 0.5), rel=1e-3)


def test_noise_counts_less_than_blur(crop):
    noise = np.random.default_rng(0).normal(0, 0.03, crop.shape).astype(np.float32)
    blurred = cv2.blur(crop, (17, 1))
    assert measure_sharpness(blurred + noise) < measure_sharpness(crop)


def test_the_rim_does_not_count(crop):
    framed = crop.copy()
    framed[:28] = framed[-28:] = np.random.default_rng(0).random((28, 256, 3), np.float32)
    framed[:, :28] = framed[:, -28:] = 0
    assert measure_sharpness(framed) == pytest.approx(measure_sharpness(crop), rel=1e-4)
