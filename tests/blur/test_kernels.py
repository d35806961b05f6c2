"""The kernels: exact lines, and camera trajectories that stay inside, centred and repeatable."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snadnet.blur import kernel_to_image, linear_kernel, trajectory_kernel, trajectory_kernels


def centre_of_mass(kernel):
    """(x, y) of the mass, measured from the kernel's centre pixel."""
    y, x = np.indices(kernel.shape) - (kernel.shape[0] - 1) / 2
    return np.array([(kernel * x).sum(), (kernel * y).sum()], dtype=np.float64)


class TestLinearKernel:
    @pytest.mark.parametrize("angle", [0, 30, 45, 90, -171.5])
    def test_length_one_is_the_identity(self, angle):
        np.testing.assert_array_equal(linear_kernel(1, angle), [[1]])

    def test_along_the_x_axis_odd_lengths_are_equal_taps(self):
        golden = np.zeros((5, 5))
        golden[2] = 0.2
        np.testing.assert_allclose(linear_kernel(5, 0), golden, atol=1e-7)
        np.testing.assert_allclose(linear_kernel(5, 90), golden.T, atol=1e-7)

    def test_a_fractional_length_is_shared_by_the_end_taps(self):
        # A segment of 0.5 px: the neighbours are 0.75 px from its ends, so they weigh 0.25 against 1.
        np.testing.assert_allclose(linear_kernel(1.5, 0)[1], np.array([0.25, 1, 0.25]) / 1.5, atol=1e-7)

    def test_golden_values_at_45_degrees(self):
        # Length 1 + 2 sqrt(2): the segment runs from one corner pixel's centre to the opposite one's, rising
        # to the right. The centre's four direct neighbours lie at sqrt(1/2) from it.
        beside = 1 - math.sqrt(0.5)
        golden = np.array([[0, beside, 1], [beside, 1, beside], [1, beside, 0]])
        np.testing.assert_allclose(linear_kernel(1 + 2 * math.sqrt(2), 45), golden / golden.sum(), atol=1e-7)

    def test_the_paper_s_protocol_rises_to_the_right(self):
        kernel = linear_kernel(25, 45)
        assert kernel.shape == (19, 19)  # 24 / sqrt(2) = 17 px between the ends, and their fading
        assert kernel[0, -1] > 0
        assert kernel[0, 0] == 0
        np.testing.assert_allclose(kernel, kernel.T[::-1, ::-1], atol=1e-7)

    @given(length=st.floats(1, 60), angle=st.floats(-720, 720))
    def test_properties(self, length, angle):
        kernel = linear_kernel(length, angle)
        assert kernel.dtype == np.float32
        assert kernel.shape[0] == kernel.shape[1]
        assert kernel.shape[0] % 2 == 1
        assert kernel.min() >= 0
        assert abs(kernel.sum(dtype=np.float64) - 1) < 1e-6
        np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-6)
        opposite = linear_kernel(length, angle + 180)
        if opposite.shape == kernel.shape:  # else rounding moved a weight near 0 over the border
            np.testing.assert_allclose(opposite, kernel, atol=1e-6)
        mirrored = linear_kernel(length, -angle)
        np.testing.assert_allclose(mirrored, kernel[::-1], atol=1e-7)

    @given(length=st.floats(3, 60), angle=st.floats(-90, 90))
    def test_the_variance_along_the_line_is_that_of_a_uniform_motion(self, length, angle):
        kernel = linear_kernel(length, angle)
        y, x = np.indices(kernel.shape) - (kernel.shape[0] - 1) / 2
        along = x * math.cos(math.radians(angle)) - y * math.sin(math.radians(angle))
        spread = math.sqrt((kernel * along**2).sum())
        assert spread == pytest.approx(length / math.sqrt(12), rel=0.12)

    @pytest.mark.parametrize("length", [0.99, 0, -3, math.nan, math.inf])
    def test_impossible_lengths(self, length):
        with pytest.raises(ValueError, match="length must be"):
            linear_kernel(length, 0)

    def test_impossible_angle(self):
        with pytest.raises(ValueError, match="angle must be"):
            linear_kernel(3, math.nan)


class TestTrajectoryKernels:
    def test_mass_is_one_inside_and_centred(self):
        sizes = [1, 3, 13, 15, 17, 19, 21, 23, 25, 27, 29, 61] * 3
        kernels = trajectory_kernels(sizes, seed=3)
        for size, kernel in zip(sizes, kernels, strict=True):
            assert kernel.shape == (size, size)
            assert kernel.dtype == np.float32
            assert kernel.min() >= 0
            assert abs(kernel.sum(dtype=np.float64) - 1) < 1e-6
            np.testing.assert_allclose(centre_of_mass(kernel), 0, atol=1e-4)

    def test_the_path_touches_the_border_and_spans_most_of_the_kernel(self):
        spans = []
        for kernel in trajectory_kernels([27] * 60, seed=4):
            border = np.concatenate([kernel[0], kernel[-1], kernel[:, 0], kernel[:, -1]])
            assert border.max() > 0
            rows, columns = np.nonzero(kernel)
            spans.append(max(np.ptp(rows), np.ptp(columns)) + 1)
        assert min(spans) >= 14
        assert np.mean(spans) > 0.85 * 27

    def test_the_same_seed_gives_the_same_kernel_and_another_seed_another(self):
        np.testing.assert_array_equal(trajectory_kernel(21, seed=5), trajectory_kernel(21, seed=5))
        assert not np.array_equal(trajectory_kernel(21, seed=5), trajectory_kernel(21, seed=6))

    def test_a_generator_is_repeatable_and_advances(self):
        rng = np.random.default_rng(9)
        first, second = trajectory_kernel(21, seed=rng), trajectory_kernel(21, seed=rng)
        np.testing.assert_array_equal(first, trajectory_kernel(21, seed=np.random.default_rng(9)))
        assert not np.array_equal(first, second)

    def test_no_seed_gives_a_new_kernel_each_time(self):
        assert not np.array_equal(trajectory_kernel(21), trajectory_kernel(21))

    def test_kernels_do_not_depend_on_how_many_are_made(self):
        many = trajectory_kernels([15, 27, 13, 29, 21] * 3, exposures=[1, 0.5, 0.25] * 5, seed=7)
        few = trajectory_kernels([15, 27, 13, 29], exposures=[1, 0.5, 0.25, 1], seed=7)
        for one, other in zip(many, few, strict=False):
            np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(many[0], trajectory_kernel(15, seed=7))

    def test_kernels_do_not_depend_on_the_chunk_they_are_walked_in(self, monkeypatch):
        whole = trajectory_kernels([13] * 7, seed=8)
        monkeypatch.setattr("snadnet.blur.trajectory._CHUNK", 3)
        for one, other in zip(whole, trajectory_kernels([13] * 7, seed=8), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_a_shorter_exposure_covers_less(self):
        exposures = (1.0, 0.5, 0.1, 0.01)
        spreads = []
        for exposure in exposures:
            kernels = trajectory_kernels([29] * 40, exposures=exposure, seed=11)
            covered = [np.count_nonzero(kernel) for kernel in kernels]
            spreads.append(np.mean(covered))
            for kernel in kernels:
                assert abs(kernel.sum(dtype=np.float64) - 1) < 1e-6
        assert spreads == sorted(spreads, reverse=True)
        assert spreads[0] > 2 * spreads[2]

    def test_half_an_exposure_is_the_first_half_of_the_path(self):
        # Without bends the path is a line; its first half is half as long and weighs twice as much.
        whole, half = (trajectory_kernel(61, exposure=e, anxiety=0, seed=12) for e in (1.0, 0.5))
        y, x = np.indices(whole.shape) - 30
        spread = [math.sqrt((kernel * (x * x + y * y)).sum()) for kernel in (whole, half)]
        assert spread[1] == pytest.approx(spread[0] / 2, rel=0.02)
        assert half.max() == pytest.approx(2 * whole.max(), rel=0.1)

    def test_a_vanishing_exposure_is_the_identity(self):
        kernel = trajectory_kernel(9, exposure=1e-9, seed=1)
        assert kernel[4, 4] == pytest.approx(1, abs=1e-6)

    def test_without_disturbances_the_path_is_a_uniform_straight_line(self):
        kernel = trajectory_kernel(41, anxiety=0, seed=2)
        y, x = np.indices(kernel.shape) - 20
        covariance = np.array(
            [
                [(kernel * x * x).sum(), (kernel * x * y).sum()],
                [(kernel * x * y).sum(), (kernel * y * y).sum()],
            ]
        )
        across, along = np.linalg.eigvalsh(covariance)
        assert across < 0.3  # only what the bilinear spreading adds
        # Uniform over at least the kernel's side and at most its diagonal.
        assert 40 / math.sqrt(12) - 0.1 < math.sqrt(along) < 40 * math.sqrt(2) / math.sqrt(12) + 0.1

    def test_more_anxiety_bends_the_path(self):
        def straightness(anxiety):
            ratios = []
            for kernel in trajectory_kernels([41] * 20, anxiety=anxiety, seed=2):
                y, x = np.indices(kernel.shape) - 20
                across, along = np.linalg.eigvalsh(np.cov([x.ravel(), y.ravel()], aweights=kernel.ravel()))
                ratios.append(across / along)
            return np.mean(ratios)

        assert straightness(0.0001) < straightness(0.001) < straightness(0.005)

    @pytest.mark.parametrize("size", [0, -3, 12, 3.5])
    def test_impossible_sizes(self, size):
        with pytest.raises(ValueError, match="size must be"):
            trajectory_kernel(size, seed=0)

    @pytest.mark.parametrize("exposure", [0, -0.1, 1.001, math.nan])
    def test_impossible_exposures(self, exposure):
        with pytest.raises(ValueError, match="exposure must lie"):
            trajectory_kernel(13, exposure=exposure, seed=0)

    @pytest.mark.parametrize("anxiety", [-0.001, math.nan, math.inf])
    def test_impossible_anxiety(self, anxiety):
        with pytest.raises(ValueError, match="anxiety must be"):
            trajectory_kernel(13, anxiety=anxiety, seed=0)

    def test_one_exposure_for_each_size(self):
        with pytest.raises(ValueError, match="2 exposures were given for 3 kernels"):
            trajectory_kernels([13, 15, 17], exposures=[1, 0.5], seed=0)

    def test_no_sizes_no_kernels(self):
        assert trajectory_kernels([], seed=0) == []


class TestKernelToPicture:
    def test_the_largest_weight_is_white_and_the_scale_linear(self):
        picture = kernel_to_image(np.array([[0, 0.1], [0.2, 0.4]]))
        np.testing.assert_array_equal(picture, [[0, 64], [128, 255]])
        assert picture.dtype == np.uint8

    def test_a_kernel_of_zeros_is_black(self):
        assert kernel_to_image(np.zeros((3, 3))).max() == 0

    @pytest.mark.parametrize("kernel", [[[0.5, -0.1]], [[math.nan]], [1.0, 2.0], [[]]])
    def test_no_picture_of_what_is_not_a_kernel(self, kernel):
        with pytest.raises(ValueError, match="kernel"):
            kernel_to_image(kernel)


@settings(max_examples=15, deadline=None)
@given(
    size=st.integers(0, 20).map(lambda n: 2 * n + 1),
    exposure=st.floats(0, 1, exclude_min=True),
    anxiety=st.floats(0, 0.05),
    seed=st.integers(0, 2**64),
)
def test_any_trajectory_kernel_is_a_kernel(size, exposure, anxiety, seed):
    kernel = trajectory_kernel(size, exposure=exposure, anxiety=anxiety, seed=seed)
    assert kernel.shape == (size, size)
    assert kernel.min() >= 0
    assert abs(kernel.sum(dtype=np.float64) - 1) < 1e-6
