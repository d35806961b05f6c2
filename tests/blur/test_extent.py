"""How far and in which direction kernels move an image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snadnet.blur import kernel_extent, linear_kernel, point_if_unmoved


def test_a_point_moves_nothing() -> None:
    assert kernel_extent(linear_kernel(1, 0)).length == 1.0


def test_a_row_of_equal_weights_is_as_long_as_it_is() -> None:
    length, angle = kernel_extent(np.pad(np.ones((1, 9)), 4))
    assert length == pytest.approx(9.0)
    assert angle % 180.0 == pytest.approx(0.0)


def test_two_points_are_as_long_as_the_row_of_their_variance() -> None:
    # Variance 3^2 = (n^2 - 1) / 12, so n = sqrt(109).
    kernel = np.zeros((7, 7))
    kernel[0, 3] = kernel[6, 3] = 0.5
    length, angle = kernel_extent(kernel)
    assert length == pytest.approx(np.sqrt(109.0))
    assert angle == pytest.approx(90.0)


@given(length=st.floats(9.0, 40.0), angle=st.floats(0.0, 179.0))
def test_a_straight_motion_has_its_length_and_direction(length: float, angle: float) -> None:
    found = kernel_extent(linear_kernel(length, angle))
    assert found.length == pytest.approx(length, rel=0.05, abs=0.5)
    assert abs((found.angle - angle + 90.0) % 180.0 - 90.0) < 5.0


def test_the_tails_of_an_estimate_do_not_count() -> None:
    kernel = np.pad(np.ones((1, 9)), ((24, 24), (20, 20)))
    assert kernel_extent(kernel + 0.05).length == pytest.approx(9.0)


@pytest.mark.parametrize("kernel", [np.zeros((3, 3)), np.full((3, 3), -1.0), np.full((3, 3), np.nan), np.ones(3)])
def test_what_is_no_kernel_is_refused(kernel: np.ndarray) -> None:
    with pytest.raises(ValueError, match="kernel"):
        kernel_extent(kernel)


def test_one_pixel_at_half_resolution_is_no_motion() -> None:
    hat = np.zeros((9, 9), np.float32)
    hat[3:6, 3:6] = np.outer((1, 2, 1), (1, 2, 1)) / 16
    point = point_if_unmoved(hat)
    assert kernel_extent(point).length == 1
    assert point.sum() == 1
    assert point[4, 4] == 1


@pytest.mark.parametrize("length", [3, 5])
def test_a_short_motion_is_kept(length: int) -> None:
    kernel = np.zeros((9, 9), np.float32)
    kernel[4, 4 - length // 2 : 5 + length // 2] = 1 / length
    assert point_if_unmoved(kernel) is kernel


def test_a_kernel_of_one_pixel_stays() -> None:
    kernel = np.ones((1, 1), np.float32)
    assert point_if_unmoved(kernel) is kernel
