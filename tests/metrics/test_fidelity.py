import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from snadnet.metrics.base import MetricOptions, ScoredFace
from snadnet.metrics.fidelity import (
    Fidelity,
    concatenate,
    image_scores,
    l1_percent,
    psnr,
    rounded_to_8_bits,
    ssim,
)


def images_of(count: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    """Smooth images with some structure, of 8-bit levels."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 5, 5, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    return rounded_to_8_bits(smooth)


def noisy(images: torch.Tensor, sigma: float, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return rounded_to_8_bits(images + sigma * torch.randn(images.shape, generator=generator))


def test_golden_values_of_a_constant_difference():
    sharp = torch.full((1, 3, 12, 16), 100 / 255)
    restored = torch.full((1, 3, 12, 16), 151 / 255)
    # The difference is 51/255 = 0.2: MSE 0.04, L1 20 %; without structure SSIM is its luminance term alone.
    luminance = (2 * 100 * 151 / 255**2 + 1e-4) / ((100**2 + 151**2) / 255**2 + 1e-4)
    assert psnr(restored, sharp).item() == pytest.approx(10 * math.log10(1 / 0.04), abs=1e-4)
    assert l1_percent(restored, sharp).item() == pytest.approx(20.0, abs=1e-4)
    assert ssim(restored, sharp).item() == pytest.approx(luminance, abs=1e-4)


def test_golden_values_of_one_wrong_pixel():
    sharp = torch.zeros(1, 3, 20, 20)
    restored = sharp.clone()
    restored[0, 1, 10, 10] = 1.0
    assert psnr(restored, sharp).item() == pytest.approx(10 * math.log10(1200), abs=1e-4)
    assert l1_percent(restored, sharp).item() == pytest.approx(100 / 1200, abs=1e-6)


def test_equal_images_are_infinitely_alike():
    sharp = images_of(2, 20, 24)
    assert psnr(sharp, sharp).tolist() == [math.inf, math.inf]
    assert l1_percent(sharp, sharp).tolist() == [0.0, 0.0]
    assert ssim(sharp, sharp).tolist() == pytest.approx([1.0, 1.0])


def test_images_are_read_as_an_8_bit_file_would_hold_them():
    sharp = images_of(1, 16, 16)
    restored = noisy(sharp, 0.1)
    below_half_a_level = restored + 0.4 / 255
    outside = torch.where(restored == 1, 1.7, torch.where(restored == 0, -0.3, restored))
    for changed in (below_half_a_level, outside, restored.double()):
        assert torch.equal(psnr(changed, sharp), psnr(restored, sharp))
        assert torch.equal(ssim(changed, sharp), ssim(restored, sharp))
        assert torch.equal(l1_percent(changed, sharp), l1_percent(restored, sharp))


@settings(max_examples=15, deadline=None)
@given(height=st.integers(11, 40), width=st.integers(11, 40), sigma=st.floats(0.01, 0.5), seed=st.integers(0, 99))
def test_agrees_with_scikit_image(height, width, sigma, seed):
    sharp = images_of(1, height, width, seed)
    restored = noisy(sharp, sigma, seed)
    true = sharp[0].permute(1, 2, 0).double().numpy()
    test = restored[0].permute(1, 2, 0).double().numpy()
    expected_ssim = structural_similarity(
        test,
        true,
        data_range=1.0,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert psnr(restored, sharp).item() == pytest.approx(peak_signal_noise_ratio(true, test, data_range=1.0), abs=1e-4)
    assert ssim(restored, sharp).item() == pytest.approx(expected_ssim, abs=1e-5)
    assert l1_percent(restored, sharp).item() == pytest.approx(100 * np.abs(true - test).mean(), abs=1e-4)


def test_scores_do_not_depend_on_the_batch():
    sharp = images_of(5, 24, 20)
    restored = noisy(sharp, 0.1)
    together = image_scores(restored, sharp)
    apart = concatenate([image_scores(restored[i : i + 2], sharp[i : i + 2]) for i in range(0, 5, 2)])
    assert len(together) == len(apart) == 5
    for name in ("psnr", "ssim", "l1_percent"):
        assert getattr(together, name).shape == (5,)
        torch.testing.assert_close(getattr(apart, name), getattr(together, name), rtol=0, atol=2e-6)


def test_a_callers_autocast_does_not_coarsen_the_scores():
    sharp = images_of(2, 24, 24)
    restored = noisy(sharp, 0.05)
    plain = image_scores(restored, sharp)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = image_scores(restored, sharp)
    assert torch.equal(inside.ssim, plain.ssim)
    assert torch.equal(inside.psnr, plain.psnr)


def test_more_noise_scores_worse():
    sharp = images_of(1, 32, 32)
    scores = [image_scores(noisy(sharp, sigma), sharp) for sigma in (0.02, 0.05, 0.1, 0.2)]
    assert [s.psnr.item() for s in scores] == sorted((s.psnr.item() for s in scores), reverse=True)
    assert [s.ssim.item() for s in scores] == sorted((s.ssim.item() for s in scores), reverse=True)
    assert [s.l1_percent.item() for s in scores] == sorted(s.l1_percent.item() for s in scores)


@pytest.mark.parametrize(
    ("restored_shape", "sharp_shape"),
    [((1, 3, 16, 16), (1, 3, 16, 17)), ((3, 16, 16), (3, 16, 16)), ((1, 3, 16, 16), (2, 3, 16, 16))],
)
@pytest.mark.parametrize("metric", [psnr, ssim, l1_percent])
def test_refuses_other_shapes(metric, restored_shape, sharp_shape):
    with pytest.raises(ValueError, match="must both be"):
        metric(torch.zeros(restored_shape), torch.zeros(sharp_shape))


def test_ssim_refuses_images_smaller_than_its_window():
    with pytest.raises(ValueError, match="at least 11 px"):
        ssim(torch.zeros(1, 3, 10, 32), torch.zeros(1, 3, 10, 32))


def scored(sharp):
    return ScoredFace("a", sharp, sharp, None)


def test_the_metric_of_8_bit_faces_agrees_with_scikit_image(portrait):
    generator = np.random.default_rng(0)
    restored = np.clip(portrait + generator.normal(0, 12, portrait.shape), 0, 255).astype(np.uint8)
    psnr, ssim, l1 = (float(each[0]) for each in Fidelity().prepare([scored(portrait)])(restored[None]))
    assert psnr == pytest.approx(peak_signal_noise_ratio(portrait, restored), abs=1e-4)
    assert ssim == pytest.approx(
        structural_similarity(
            portrait,
            restored,
            channel_axis=2,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        ),
        abs=1e-4,
    )
    assert l1 == pytest.approx(np.abs(portrait.astype(float) - restored).mean() / 2.55, abs=1e-4)


def test_an_equal_face_is_infinite_and_the_others_keep_their_own_scores(portrait):
    read = Fidelity.create(MetricOptions()).prepare([scored(portrait), scored(portrait)])
    psnr_values, ssim_values, l1_values = read(np.stack([portrait, 255 - portrait]))
    assert psnr_values[0] == np.inf
    assert np.isfinite(psnr_values[1])
    assert (ssim_values[0], l1_values[0]) == (pytest.approx(1), 0)
