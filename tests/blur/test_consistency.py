"""What a restored face leaves unexplained."""

import numpy as np
import pytest
from numpy.typing import NDArray

from snadnet.blur import add_noise, apply_kernel, linear_kernel, measure_consistency, noise_level

SIDE = 128
KERNEL = linear_kernel(11, 30.0)


@pytest.fixture
def sharp(portrait: NDArray[np.uint8]) -> NDArray[np.float32]:
    return (portrait.reshape(SIDE, 2, SIDE, 2, 3).mean(axis=(1, 3)) / 255.0).astype(np.float32)


def blurred(sharp: NDArray[np.float32], noise: float) -> NDArray[np.float32]:
    drawn = np.random.default_rng(2).standard_normal(sharp.shape)
    return (apply_kernel(sharp, KERNEL) + noise * drawn).astype(np.float32)


@pytest.mark.parametrize("noise", [0.01, 0.03, 0.1])
def test_the_noise_of_a_blurred_face_is_told(sharp: NDArray[np.float32], noise: float) -> None:
    assert noise_level(blurred(sharp, noise)) == pytest.approx(noise, rel=0.1)


def test_the_noise_of_an_enlarged_face_is_told_by_its_spacing() -> None:
    small = add_noise(np.full((64, 64, 3), 0.5, np.float32), 0.05, 1)
    enlarged = small.repeat(4, axis=0).repeat(4, axis=1)
    assert noise_level(enlarged, spacing=4) == pytest.approx(0.05, rel=0.1)
    assert noise_level(enlarged) == 0.0  # most neighbours are alike


def test_a_slope_is_no_noise() -> None:
    rows, columns = np.mgrid[0:16, 0:16].astype(np.float32) / 32.0
    assert noise_level((rows + columns)[..., None]) == pytest.approx(0.0, abs=1e-6)


def test_the_noise_of_too_few_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="5 x 2 px"):
        noise_level(np.zeros((2, 5, 3), np.float32))


def test_a_face_that_is_right_leaves_nothing_but_noise(sharp: NDArray[np.float32]) -> None:
    told = measure_consistency(sharp, blurred(sharp, 0.03), KERNEL)
    assert told.unexplained == pytest.approx(0.03, rel=0.05)
    assert told.excess < 0.015


def test_a_face_that_is_wrong_leaves_more(sharp: NDArray[np.float32]) -> None:
    given = blurred(sharp, 0.01)
    right, soft, mirrored = (measure_consistency(face, given, KERNEL) for face in (sharp, given, sharp[:, ::-1]))
    assert right.excess < soft.excess < mirrored.excess


def test_what_lies_beyond_the_edges_is_not_asked_for(sharp: NDArray[np.float32]) -> None:
    kernel = np.zeros((41, 41), np.float32)
    kernel[20, 20] = 1.0
    changed = sharp.copy()
    changed[:10] = 0.0
    assert measure_consistency(changed, sharp, kernel).unexplained == pytest.approx(0.0, abs=1e-6)
    changed[:11] = 0.0
    assert measure_consistency(changed, sharp, kernel).unexplained > 0.01


def test_images_of_two_shapes_are_refused(sharp: NDArray[np.float32]) -> None:
    with pytest.raises(ValueError, match="restored image is"):
        measure_consistency(sharp[:-1], sharp, KERNEL)
