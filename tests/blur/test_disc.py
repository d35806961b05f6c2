"""The kernel of a lens out of focus."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snadnet.blur import disc_kernel


@pytest.mark.parametrize("radius", [0.0, 0.3, 0.5])
def test_a_small_disc_is_the_identity(radius: float) -> None:
    np.testing.assert_array_equal(disc_kernel(radius), [[1.0]])


def test_golden_values_of_one_pixel() -> None:
    # Centres at distances 0, 1 and sqrt 2; the edge fades from 0.5 to 1.5.
    corner = 1.5 - math.sqrt(2)
    golden = np.array([[corner, 0.5, corner], [0.5, 1.0, 0.5], [corner, 0.5, corner]])
    np.testing.assert_allclose(disc_kernel(1.0), golden / golden.sum(), atol=1e-7)


@given(radius=st.floats(0.6, 12.0))
def test_a_disc_is_round_and_as_wide_as_it_is(radius: float) -> None:
    kernel = disc_kernel(radius).astype(np.float64)
    np.testing.assert_allclose(kernel, kernel.T)
    np.testing.assert_allclose(kernel, kernel[::-1])
    assert kernel.sum() == pytest.approx(1.0, abs=1e-5)
    # A disc's equal weights: one of its pixels has a share of 1 / (pi r^2).
    if radius > 3:
        assert kernel.max() == pytest.approx(1 / (math.pi * radius**2), rel=0.1)


@pytest.mark.parametrize("radius", [-0.1, float("nan"), float("inf")])
def test_what_is_no_radius_is_refused(radius: float) -> None:
    with pytest.raises(ValueError, match="radius"):
        disc_kernel(radius)
