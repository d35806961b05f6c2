"""Golden values of intervals and paired tests."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from snadnet.evaluation.statistics import Resampling, compare, difference, estimate
from snadnet.faces.classes import NUM_CLASSES
from snadnet.metrics.fidelity import PSNR
from snadnet.metrics.landmarks import LANDMARK_ERROR
from snadnet.metrics.parsing import MEAN_IOU

FEW = Resampling(count=300)


def counts(*pairs):
    """Pixel counts of one face from (true, predicted, pixels)."""
    matrix = np.zeros((NUM_CLASSES, NUM_CLASSES), np.int64)
    for true, predicted, pixels in pairs:
        matrix[true, predicted] = pixels
    return matrix


def test_an_interval_is_that_of_scipy_and_settled_by_the_seed():
    values = np.random.default_rng(1).normal(25, 2, 40)
    found = estimate(PSNR, values, FEW)
    other = bootstrap((values,), np.mean, n_resamples=300, method="percentile", rng=np.random.default_rng(0))
    assert found.value == pytest.approx(values.mean())
    assert found.interval == pytest.approx(tuple(other.confidence_interval))
    assert found == estimate(PSNR, values, FEW)
    assert found != estimate(PSNR, values, Resampling(count=300, seed=1))


def test_an_interval_narrows_as_the_root_of_the_number_of_faces():
    generator = np.random.default_rng(2)
    few, many = (estimate(PSNR, generator.normal(0, 1, n), FEW).interval for n in (25, 2500))
    assert (few[1] - few[0]) / (many[1] - many[0]) == pytest.approx(10, rel=0.35)
    assert many[1] - many[0] == pytest.approx(2 * 1.96 / 50, rel=0.2)


def test_values_that_are_missing_or_without_bound():
    assert estimate(LANDMARK_ERROR, np.array([1.0, np.nan, 3.0]), Resampling(count=0)).value == 2.0
    assert np.isnan(estimate(LANDMARK_ERROR, np.array([np.nan, np.nan]), FEW).value)
    boundless = estimate(PSNR, np.array([20.0, np.inf]), FEW)
    assert (boundless.value, boundless.interval) == (np.inf, None)
    assert estimate(PSNR, np.array([20.0]), FEW).interval is None
    assert estimate(PSNR, np.array([20.0, 20.0]), FEW).interval == (20.0, 20.0)


def test_a_paired_difference_is_surer_than_the_two_figures():
    generator = np.random.default_rng(3)
    blurred = generator.normal(22, 4, 50)
    restored = blurred + generator.normal(1, 0.1, 50)
    low, high = difference(PSNR, restored, blurred, FEW).interval
    assert 0.9 < low < high < 1.1
    alone = estimate(PSNR, restored, FEW).interval
    assert alone[1] - alone[0] > 10 * (high - low)


def test_the_golden_p_value_of_wilcoxons_test():
    first, second = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([0.9, 1.8, 2.7, 3.6, 4.5])
    found = compare(PSNR, ("a", first), ("b", second), FEW)
    # all five differences are positive: one sign pattern of 2^5, and its mirror image
    assert found.p_value == pytest.approx(2 / 32)
    assert found.difference.value == pytest.approx(0.3)
    assert (found.first, found.second, found.faces) == ("a", "b", 5)
    back = compare(PSNR, ("b", second), ("a", first), FEW)
    assert (back.p_value, back.difference.value) == (found.p_value, -found.difference.value)


def test_methods_without_a_difference_or_a_shared_face():
    same = np.array([1.0, 2.0, np.nan])
    found = compare(LANDMARK_ERROR, ("a", same), ("b", same), FEW)
    assert (found.p_value, found.difference.value, found.faces) == (1.0, 0.0, 2)
    apart = compare(LANDMARK_ERROR, ("a", np.array([1.0, np.nan])), ("b", np.array([np.nan, 1.0])), FEW)
    assert apart.faces == 0
    assert np.isnan(apart.p_value)
    assert np.isnan(apart.difference.value)


@pytest.mark.filterwarnings("error")
def test_faces_that_equal_their_sharp_ones_under_both_methods_are_left_out():
    values = np.array([20.0, 22.0, np.inf])
    found = compare(PSNR, ("a", values), ("b", values - 1.0), FEW)
    assert (found.faces, found.difference.value) == (2, 1.0)


def test_only_faces_with_a_value_under_both_methods_are_compared():
    found = compare(
        LANDMARK_ERROR, ("a", np.array([5.0, 2.0, 9.0])), ("b", np.array([np.nan, 1.0, 8.0])), Resampling(count=0)
    )
    assert (found.faces, found.difference.value) == (2, 1.0)


def test_mean_iou_pools_the_pixels_of_the_faces_drawn():
    # Face 0: skin 8 of 10 found, 2 called hair. Face 1: skin 1 of 2 found, hair 4 of 4.
    values = np.stack([counts((1, 1, 8), (1, 13, 2)), counts((1, 1, 1), (1, 13, 1), (13, 13, 4))])
    skin, hair = 9 / 12, 4 / (4 + 3)
    assert estimate(MEAN_IOU, values, FEW).value == pytest.approx((skin + hair) / 2)
    assert MEAN_IOU.per_face(values) == pytest.approx([8 / 10, (1 / 2 + 4 / 5) / 2])
    # Drawing the first face twice and the second once counts its pixels twice.
    assert MEAN_IOU.summary(values, np.array([0, 0, 1])) == pytest.approx((17 / 22 + 4 / 9) / 2)
