"""Applying: a true convolution, the same by both methods, brightness kept; noise; the rotating camera."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snadnet.blur import (
    add_noise,
    apply_kernel,
    blur_by_motion,
    camera_motions,
    linear_kernel,
    rotating_blur,
    trajectory_kernel,
)

BORDERS = ("reflect", "replicate", "black")
METHODS = ("auto", "spatial", "fft")


def smooth_picture(height, width, channels=3):
    """A picture with contrast but no aliasing."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / (3 + c) + c) * np.cos(y / (4 + c)) for c in range(channels)]
    return (0.5 + 0.4 * np.stack(waves, axis=2)).astype(np.float32)


def convolve_by_definition(picture, kernel, border):
    """Eq. 1 in double precision: out(p) = sum over c of kernel(c) picture(p - c)."""
    rows, columns = kernel.shape
    mode = {"reflect": "reflect", "replicate": "edge", "black": "constant"}[border]
    padded = np.pad(picture.astype(np.float64), ((rows // 2,) * 2, (columns // 2,) * 2, (0, 0)), mode=mode)
    height, width = picture.shape[:2]
    out = np.zeros(picture.shape)
    for i in range(rows):
        for j in range(columns):
            out += kernel[i, j] * padded[rows - 1 - i :, columns - 1 - j :][:height, :width]
    return out


class TestApplyKernel:
    @pytest.mark.parametrize("method", METHODS)
    def test_a_point_becomes_the_kernel_itself(self, method):
        kernel = np.arange(1, 16, dtype=np.float32).reshape(3, 5)
        point = np.zeros((7, 9, 1), np.float32)
        point[3, 4] = 1
        blurred = apply_kernel(point, kernel, method=method)
        np.testing.assert_allclose(blurred[2:5, 2:7, 0], kernel, atol=1e-4)
        assert blurred.sum() == pytest.approx(kernel.sum(), rel=1e-5)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize(
        ("border", "golden"),
        [
            # out(x) = 0.5 row(x + 1) + 0.3 row(x) + 0.2 row(x - 1), and the row goes on as 2 | 1 2 4 | 2
            # when reflected, as 1 | 1 2 4 | 4 when replicated and as 0 | 1 2 4 | 0 when black.
            (
                "reflect",
                [0.5 * 2 + 0.3 * 1 + 0.2 * 2, 0.5 * 4 + 0.3 * 2 + 0.2 * 1, 0.5 * 2 + 0.3 * 4 + 0.2 * 2],
            ),
            (
                "replicate",
                [0.5 * 2 + 0.3 * 1 + 0.2 * 1, 0.5 * 4 + 0.3 * 2 + 0.2 * 1, 0.5 * 4 + 0.3 * 4 + 0.2 * 2],
            ),
            (
                "black",
                [0.5 * 2 + 0.3 * 1 + 0.2 * 0, 0.5 * 4 + 0.3 * 2 + 0.2 * 1, 0.5 * 0 + 0.3 * 4 + 0.2 * 2],
            ),
        ],
    )
    def test_golden_row(self, method, border, golden):
        row = np.array([1, 2, 4], np.float32).reshape(1, 3, 1)
        blurred = apply_kernel(row, [[0.5, 0.3, 0.2]], border=border, method=method)
        np.testing.assert_allclose(blurred.ravel(), golden, atol=1e-6)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("border", ["reflect", "replicate"])
    @pytest.mark.parametrize("size", [3, 15, 41])
    def test_a_constant_picture_keeps_its_brightness(self, method, border, size):
        grey = np.full((2, 30, 23, 3), 0.37, np.float32)
        kernel = trajectory_kernel(size, seed=1)
        np.testing.assert_allclose(apply_kernel(grey, kernel, border=border, method=method), 0.37, atol=2e-6)

    @pytest.mark.parametrize("method", METHODS)
    def test_the_identity_changes_nothing(self, method):
        pictures = np.random.default_rng(0).random((2, 17, 12, 3), dtype=np.float32)
        np.testing.assert_allclose(apply_kernel(pictures, [[1.0]], method=method), pictures, atol=1e-6)
        wide = np.zeros((13, 15), np.float32)
        wide[6, 7] = 1
        np.testing.assert_allclose(apply_kernel(pictures, wide, method=method), pictures, atol=2e-6)

    @settings(max_examples=40, deadline=None)
    @given(
        height=st.integers(1, 48),
        width=st.integers(1, 48),
        channels=st.integers(1, 5),
        rows=st.integers(0, 13),
        columns=st.integers(0, 13),
        border=st.sampled_from(BORDERS),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_both_methods_agree_with_the_definition(self, *, height, width, channels, rows, columns, border, seed):
        rng = np.random.default_rng(seed)
        picture = rng.random((height, width, channels), dtype=np.float32)
        kernel = rng.random((2 * rows + 1, 2 * columns + 1))
        kernel = (kernel / kernel.sum()).astype(np.float32)
        expected = convolve_by_definition(picture, kernel, border)
        for method in METHODS:
            blurred = apply_kernel(picture, kernel, border=border, method=method)
            assert blurred.shape == picture.shape
            np.testing.assert_allclose(blurred, expected, atol=1e-5)

    @pytest.mark.parametrize("side", [128, 255, 256])
    @pytest.mark.parametrize("border", BORDERS)
    def test_both_methods_agree_on_whole_pictures(self, side, border):
        picture = np.random.default_rng(side).random((side, side + 3, 3), dtype=np.float32)
        for kernel in (
            linear_kernel(25, 45),
            trajectory_kernel(29, seed=side),
            trajectory_kernel(61, seed=side),
        ):
            spatial = apply_kernel(picture, kernel, border=border, method="spatial")
            fft = apply_kernel(picture, kernel, border=border, method="fft")
            np.testing.assert_allclose(spatial, fft, atol=1e-5)

    def test_each_picture_of_a_batch_is_blurred_on_its_own(self):
        pictures = np.random.default_rng(1).random((3, 20, 21, 3), dtype=np.float32)
        kernel = trajectory_kernel(13, seed=0)
        for method in METHODS:
            batch = apply_kernel(pictures, kernel, method=method)
            for picture, blurred in zip(pictures, batch, strict=True):
                np.testing.assert_array_equal(apply_kernel(picture, kernel, method=method), blurred)

    def test_auto_takes_the_measured_faster_method(self, monkeypatch):
        taken = []
        for method in ("spatial", "fft"):
            monkeypatch.setattr(
                f"snadnet.blur.convolution._convolve_{method}",
                lambda batch, kernel, border, method=method: taken.append(method) or batch,
            )
        for side, taps in ((64, 11), (64, 13), (900, 13), (901, 13)):
            apply_kernel(np.zeros((side, side, 1), np.float32), np.ones((taps, taps)))
        assert taken == ["spatial", "fft", "fft", "spatial"]

    def test_input_is_left_alone_and_other_floats_become_float32(self):
        picture = smooth_picture(9, 9).astype(np.float64)
        before = picture.copy()
        assert apply_kernel(picture[::-1], linear_kernel(5, 20)).dtype == np.float32
        np.testing.assert_array_equal(picture, before)

    def test_an_empty_batch_stays_empty(self):
        assert apply_kernel(np.zeros((0, 8, 8, 3), np.float32), [[1.0]]).shape == (0, 8, 8, 3)

    @pytest.mark.parametrize(
        ("images", "kernel", "message"),
        [
            (np.zeros((4, 4)), [[1.0]], "shape"),
            (np.zeros((4, 4, 3), np.uint8), [[1.0]], "divide 8-bit ones by 255"),
            (np.full((4, 4, 3), np.nan), [[1.0]], "NaN"),
            (np.zeros((4, 4, 3)), np.ones((2, 3)), "odd"),
            (np.zeros((4, 4, 3)), np.ones(3), "odd"),
            (np.zeros((4, 4, 3)), [[math.inf]], "infinite"),
        ],
    )
    def test_wrong_arrays(self, images, kernel, message):
        with pytest.raises(ValueError, match=message):
            apply_kernel(images, kernel)

    def test_unknown_names(self):
        picture = np.zeros((4, 4, 3), np.float32)
        with pytest.raises(ValueError, match="border must be"):
            apply_kernel(picture, [[1.0]], border="wrap")
        with pytest.raises(ValueError, match="method must be"):
            apply_kernel(picture, [[1.0]], method="slow")


class TestAddNoise:
    def test_mean_and_deviation(self):
        grey = np.full((4, 64, 64, 3), 0.5, np.float32)
        noise = add_noise(grey, 0.03, 0).astype(np.float64) - 0.5
        # 49,152 values: the standard errors are 0.00014 of the mean and 0.0001 of the deviation.
        assert abs(noise.mean()) < 0.0006
        assert noise.std() == pytest.approx(0.03, abs=0.0004)
        assert (np.abs(noise) < 0.03).mean() == pytest.approx(0.6827, abs=0.01)

    def test_values_are_independent(self):
        noise = add_noise(np.full((128, 128, 3), 0.5, np.float32), 0.05, 1) - 0.5
        neighbours = np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]
        channels = np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]
        assert abs(neighbours) < 0.03
        assert abs(channels) < 0.03

    def test_clipped_repeatable_and_input_untouched(self):
        picture = smooth_picture(20, 20)
        before = picture.copy()
        noisy = add_noise(picture, 0.8, 3)
        assert noisy.min() == 0
        assert noisy.max() == 1
        assert noisy.dtype == np.float32
        np.testing.assert_array_equal(noisy, add_noise(picture, 0.8, np.random.default_rng(3)))
        assert not np.array_equal(noisy, add_noise(picture, 0.8, 4))
        np.testing.assert_array_equal(picture, before)

    def test_no_noise_is_the_picture(self):
        picture = smooth_picture(8, 9)
        noisy = add_noise(picture, 0, 0)
        np.testing.assert_array_equal(noisy, picture)
        assert not np.shares_memory(noisy, picture)

    @pytest.mark.parametrize("sigma", [-0.01, math.nan, math.inf])
    def test_impossible_sigma(self, sigma):
        with pytest.raises(ValueError, match="sigma must be"):
            add_noise(np.zeros((2, 2, 3), np.float32), sigma, 0)

    def test_eight_bit_pictures_are_refused(self):
        with pytest.raises(ValueError, match="divide 8-bit ones by 255"):
            add_noise(np.zeros((2, 2, 3), np.uint8), 0.1, 0)


class TestRotatingBlur:
    @pytest.mark.parametrize("border", BORDERS)
    @pytest.mark.parametrize(("size", "exposure"), [(13, 1.0), (27, 1.0), (27, 0.3)])
    def test_without_rotation_it_is_the_trajectory_kernel(self, size, exposure, border):
        picture = smooth_picture(60, 71)
        turned = rotating_blur(picture, size, max_rotation_degrees=0, exposure=exposure, seed=5, border=border)
        kernel = trajectory_kernel(size, exposure=exposure, seed=5)
        np.testing.assert_allclose(turned, apply_kernel(picture, kernel, border=border), atol=5e-3)

    def test_even_white_noise_agrees_roughly(self):
        picture = np.random.default_rng(0).random((50, 50, 3), dtype=np.float32)
        turned = rotating_blur(picture, 15, max_rotation_degrees=0, seed=3)
        np.testing.assert_allclose(turned, apply_kernel(picture, trajectory_kernel(15, seed=3)), atol=2e-2)

    def test_motions_walked_together_are_those_walked_alone(self):
        picture = smooth_picture(40, 40)
        motions = camera_motions(300, anxiety=0.005, seed=4)
        alone = rotating_blur(picture, 9, max_rotation_degrees=5, exposure=0.7, anxiety=0.005, seed=4)
        together = blur_by_motion(picture, motions[0], 9, max_rotation_degrees=5, exposure=0.7)
        np.testing.assert_array_equal(together, alone)
        np.testing.assert_array_equal(motions[0].kernel(9, 0.7), trajectory_kernel(9, exposure=0.7, seed=4))
        for one, other in zip(camera_motions(2, anxiety=0.005, seed=4), motions, strict=False):
            np.testing.assert_array_equal(one.path, other.path)
            np.testing.assert_array_equal(one.turn, other.turn)
        assert len({motion.turn[-1] for motion in motions}) == 300

    def test_rotation_blurs_the_corners_more_than_the_centre(self):
        picture = np.random.default_rng(0).random((121, 121, 3), dtype=np.float32)
        blurred = rotating_blur(picture, 1, max_rotation_degrees=6, seed=2)
        change = np.abs(blurred - picture).mean(axis=2)
        assert change[58:63, 58:63].mean() < 0.5 * change[:20, :20].mean()

    def test_a_constant_picture_keeps_its_brightness(self):
        grey = np.full((40, 31, 3), 0.6, np.float32)
        np.testing.assert_allclose(rotating_blur(grey, 15, max_rotation_degrees=5, seed=0), 0.6, atol=1e-5)

    def test_it_is_repeatable(self):
        picture = smooth_picture(30, 30, channels=1)
        first, again, other = (rotating_blur(picture, 9, max_rotation_degrees=3, seed=seed) for seed in (1, 1, 2))
        assert first.shape == picture.shape
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"size": 8}, "size must be odd"),
            ({"max_rotation_degrees": -1}, "max_rotation_degrees"),
            ({"max_rotation_degrees": math.nan}, "max_rotation_degrees"),
            ({"exposure": 0}, "exposure"),
            ({"border": "wrap"}, "border must be"),
            ({"image": np.zeros((2, 5, 5, 3), np.float32)}, "one image"),
            ({"image": np.zeros((5, 5, 6), np.float32)}, "at most 4 channels"),
        ],
    )
    def test_wrong_arguments(self, changed, message):
        arguments = {
            "image": np.zeros((5, 5, 3), np.float32),
            "size": 9,
            "max_rotation_degrees": 1,
            "seed": 0,
        }
        with pytest.raises(ValueError, match=message):
            rotating_blur(**arguments | changed)
