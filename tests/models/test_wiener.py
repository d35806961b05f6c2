"""Blind Wiener deconvolution: the Fourier transform, the deconvolution, and the estimate of the kernel."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.data import astronaut
from torch import Tensor
from torch.nn import functional as F

from snadnet.blur import apply_kernel, linear_kernel, trajectory_kernel
from snadnet.models.wiener import (
    KERNEL_SIDE,
    BlindWiener,
    KernelEstimate,
    KernelRefiner,
    deconvolve,
    halve_kernel,
    regress_kernel,
)
from snadnet.models.wiener.deconvolution import MARGIN, extend, gradient_power
from snadnet.models.wiener.estimator import lag_maps
from snadnet.models.wiener.fourier import Fourier
from support.deblurring_model_checks import DeblurringModelChecks

SIDES = st.integers(2, 40)


class TestBlindWiener(DeblurringModelChecks):
    name = "wiener-small"


def image(side: int = 128) -> Tensor:
    """A real face, ``(1, 3, side, side)``."""
    face = astronaut()[0:256, 96:352].astype(np.float32) / 255.0
    return F.interpolate(torch.from_numpy(face).permute(2, 0, 1)[None], size=(side, side), mode="area")


def blurred_by(sharp: Tensor, kernel: np.ndarray) -> Tensor:
    result = apply_kernel(sharp[0].permute(1, 2, 0).numpy(), kernel)
    return torch.from_numpy(np.rint(result * 255.0) / 255.0).permute(2, 0, 1)[None].float()


def placed(kernel: np.ndarray, side: int = KERNEL_SIDE) -> Tensor:
    return torch.from_numpy(np.pad(kernel, (side - kernel.shape[0]) // 2))[None].float()


def psnr(image: Tensor, sharp: Tensor) -> float:
    return float(-10.0 * torch.log10((image - sharp).square().mean()))


@given(height=SIDES, width=SIDES, seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_the_transform_is_the_discrete_fourier_transform(height: int, width: int, seed: int) -> None:
    values = torch.randn(2, height, width, generator=torch.Generator().manual_seed(seed))
    fourier = Fourier(height, width, values.device)
    spectrum, expected = fourier.transform(values), np.fft.rfft2(values.numpy())
    np.testing.assert_allclose(spectrum.real.numpy(), expected.real, atol=1e-3)
    np.testing.assert_allclose(spectrum.imaginary.numpy(), expected.imag, atol=1e-3)
    torch.testing.assert_close(fourier.inverse(spectrum), values, rtol=0, atol=1e-4)


def test_some_pixels_of_an_inverse_are_those_of_the_whole() -> None:
    values = torch.randn(2, 9, 12)
    fourier = Fourier(9, 12, values.device)
    found = fourier.inverse_around(fourier.transform(values), 2)
    around = torch.tensor([-2, -1, 0, 1, 2])
    torch.testing.assert_close(found, values[:, around][..., around], rtol=0, atol=1e-4)


def test_a_centred_kernel_has_its_centre_at_the_origin() -> None:
    kernel = torch.rand(1, 5, 5)
    whole = torch.zeros(1, 16, 12)
    whole[:, :5, :5] = kernel
    fourier = Fourier(16, 12, kernel.device)
    expected = fourier.transform(torch.roll(whole, (-2, -2), (1, 2)))
    found = fourier.transform_centred(kernel)
    torch.testing.assert_close(found.real, expected.real, rtol=0, atol=1e-5)
    torch.testing.assert_close(found.imaginary, expected.imaginary, rtol=0, atol=1e-5)


def test_gradient_power_is_that_of_neighbours_differences() -> None:
    across, down = torch.zeros(2, 10, 8)
    across[0, :2] = down[:2, 0] = torch.tensor([1.0, -1.0])
    fourier = Fourier(10, 8, across.device)
    expected = fourier.transform(across).power() + fourier.transform(down).power()
    torch.testing.assert_close(gradient_power(10, 8, across.device), expected, rtol=0, atol=1e-5)


def test_an_image_is_extended_by_hand() -> None:
    # Mirrored: 3 2 | 1 2 3 | 2 1. Inner ends keep 5/6 of their own and take 1/6 of the opposite one, outer ones 2/3.
    extended = extend(torch.tensor([[[[1.0, 2.0, 3.0]] * 3]]), 2)
    row = torch.tensor([3 * 2 / 3 + 1 / 3, 2 * 5 / 6 + 2 / 6, 1.0, 2.0, 3.0, 2 * 5 / 6 + 2 / 6, 2 / 3 + 3 / 3])
    torch.testing.assert_close(extended, row.expand(1, 1, 7, 7))


def test_an_extended_image_has_no_edge_where_it_wraps() -> None:
    sharp = image(48)
    extended = extend(sharp, MARGIN)
    assert torch.equal(extended[..., MARGIN:-MARGIN, MARGIN:-MARGIN], sharp)
    inner = (extended[..., 1:, :] - extended[..., :-1, :]).abs().max()
    assert (extended[..., 0, :] - extended[..., -1, :]).abs().max() < inner
    assert (extended[..., 0] - extended[..., -1]).abs().max() < inner


def test_a_known_kernel_is_undone_up_to_the_borders() -> None:
    sharp = image()
    for kernel in (linear_kernel(12, 45), linear_kernel(9, 160), trajectory_kernel(15, seed=3)):
        blurred = blurred_by(sharp, kernel)
        restored = deconvolve(blurred, placed(kernel), torch.tensor([[0.003]]))
        assert psnr(restored, sharp) > psnr(blurred, sharp) + 4.0
        rim = torch.ones(1, 1, 128, 128, dtype=torch.bool)
        rim[..., 8:-8, 8:-8] = False
        rim = rim.expand_as(sharp)
        assert psnr(restored[rim], sharp[rim]) > psnr(blurred[rim], sharp[rim]) + 2.0


def test_no_blur_is_left_as_it_is() -> None:
    sharp = image(64)
    one = placed(np.ones((1, 1), np.float32))
    torch.testing.assert_close(deconvolve(sharp, one, torch.tensor([[1e-6]])), sharp, rtol=0, atol=2e-3)


def test_less_regularization_gives_sharper_images_in_the_order_asked() -> None:
    kernel = linear_kernel(9, 30)
    images = deconvolve(blurred_by(image(), kernel), placed(kernel), torch.tensor([[1.0, 0.1, 0.01]]))
    smooth, middle, sharp = (part.diff(dim=-1).square().mean() for part in images.split(3, dim=1))
    assert smooth < middle < sharp


def test_each_image_of_a_batch_has_its_own_kernel_and_regularization() -> None:
    sharp, kernels = image(64), torch.cat([placed(linear_kernel(9, angle)) for angle in (0, 90)])
    weights = torch.tensor([[0.1], [0.01]])
    together = deconvolve(sharp.expand(2, -1, -1, -1), kernels, weights)
    for index in range(2):
        alone = deconvolve(sharp, kernels[index : index + 1], weights[index : index + 1])
        torch.testing.assert_close(together[index : index + 1], alone, rtol=0, atol=1e-4)


def test_gradients_reach_the_kernel_and_are_finite() -> None:
    kernel = placed(linear_kernel(9, 30)).requires_grad_()
    weight = torch.tensor([[0.05]], requires_grad=True)
    deconvolve(image(32), kernel, weight).square().mean().backward()
    for leaf in (kernel, weight):
        assert leaf.grad is not None
        assert leaf.grad.isfinite().all()
        assert leaf.grad.abs().sum() > 0


@pytest.mark.parametrize("angle", [0, 90])
def test_the_cepstrum_marks_the_length_of_a_motion(angle: int) -> None:
    noise = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    length = 13
    blurred = blurred_by(noise, linear_kernel(length, angle)).mean(dim=1, keepdim=True)
    maps = lag_maps(blurred)
    assert maps.shape == (1, 5, 64, 32)
    torch.testing.assert_close(maps[0, :3, 32, 0], torch.ones(3))
    lags = maps[0, 3, 32, 1:24] if angle == 0 else maps[0, 3, 33:56, 0]
    assert int(lags.argmin()) + 1 == pytest.approx(length, abs=1)


def test_lag_maps_do_not_depend_on_where_the_image_is_bright() -> None:
    face = image(64).mean(dim=1, keepdim=True)
    torch.testing.assert_close(lag_maps(face * 0.5 + 0.25)[:, :3], lag_maps(face)[:, :3], rtol=0, atol=1e-3)


def test_kernels_are_halved_with_their_image() -> None:
    one = placed(np.ones((1, 1), np.float32), 49)
    assert torch.equal(halve_kernel(one), placed(np.ones((1, 1), np.float32)))
    moved = torch.roll(one, (4, -6), (1, 2))
    assert torch.equal(halve_kernel(moved), torch.roll(placed(np.ones((1, 1), np.float32)), (2, -3), (1, 2)))
    sharp, kernel = image(128), linear_kernel(25, 45)
    half = F.avg_pool2d(blurred_by(sharp, kernel), 2)
    again = blurred_by(F.avg_pool2d(sharp, 2), halve_kernel(placed(kernel, 49))[0].numpy())
    inside = (slice(None), slice(None), slice(8, -8), slice(8, -8))
    assert psnr(half[inside], again[inside]) > 40.0


def test_estimated_kernels_are_kernels() -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        estimate = BlindWiener()(torch.rand(3, 3, 64, 96)).estimate
    assert estimate.kernel.shape == (3, KERNEL_SIDE, KERNEL_SIDE)
    assert (estimate.kernel >= 0).all()
    torch.testing.assert_close(estimate.kernel.sum(dim=(1, 2)), torch.ones(3))
    assert (estimate.regularization > 0).all()


def test_a_shift_between_two_images_is_found_by_regression() -> None:
    sharp = image(64)
    moved = torch.roll(sharp, (2, -5), (2, 3))
    shift = (KERNEL_SIDE // 2 + 2, KERNEL_SIDE // 2 - 5)
    guess = torch.zeros(1, KERNEL_SIDE, KERNEL_SIDE)
    guess[0, *shift] = 1.0
    regressions = regress_kernel(sharp, moved, guess)
    for kernel in regressions.found[0]:
        assert divmod(int(kernel.argmax()), KERNEL_SIDE) == shift
    assert float(regressions.found[0, 0].max()) > 0.3
    # A guess that is true explains what was found, but for the edges; and a point shows the same, unshifted.
    torch.testing.assert_close(regressions.of_guess, regressions.found, atol=0.05, rtol=0.1)
    for shown, point in zip(regressions.of_guess[0], regressions.of_point[0], strict=True):
        torch.testing.assert_close(shown.max(), point[KERNEL_SIDE // 2, KERNEL_SIDE // 2], rtol=1e-4, atol=1e-5)


def test_the_regression_finds_the_kernel_although_the_restored_face_is_soft_and_the_image_noisy() -> None:
    sharp, kernel = image(), trajectory_kernel(17, seed=3)
    generator = torch.Generator().manual_seed(0)
    blurred = blurred_by(sharp, kernel) + 0.015 * torch.randn(sharp.shape, generator=generator)
    soft = blurred_by(sharp, np.outer(hat := np.array([0.25, 0.5, 0.25], np.float32), hat))
    true = placed(kernel)[0]
    for number, found in enumerate(regress_kernel(soft, blurred, true.unsqueeze(0)).found[0]):
        alike = torch.corrcoef(torch.stack((found.flatten(), true.flatten())))[0, 1]
        assert alike > 0.7, number
    # The mirrored kernel, which no power spectrum can tell from it, is not found.
    assert (found * true).sum() > 1.5 * (found * true.flip(0, 1)).sum()


def test_the_refiner_starts_with_the_first_estimate_and_learns_from_the_restored_face() -> None:
    torch.manual_seed(0)
    sharp, kernel = image(64), linear_kernel(9, 30)
    refiner, blurred = KernelRefiner(), blurred_by(sharp, kernel)
    flat = torch.full((1, KERNEL_SIDE, KERNEL_SIDE), 1.0 / KERNEL_SIDE**2).log()
    first = KernelEstimate(0.7 * flat + 0.3 * (placed(kernel) + 1e-4).log(), torch.tensor([0.01]))
    first = first._replace(log_kernel=first.log_kernel - first.log_kernel.logsumexp((1, 2), keepdim=True))
    refined = refiner(first, sharp, blurred)
    torch.testing.assert_close(refined.kernel, first.kernel, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(refined.regularization, first.regularization)
    optimizer = torch.optim.Adam(refiner.parameters(), 3e-3)
    distance = [float((refined.kernel.detach() - placed(kernel)).abs().sum())]
    for _ in range(25):
        refined = refiner(first, sharp, blurred)
        optimizer.zero_grad()
        (F.kl_div(refined.log_kernel, placed(kernel), reduction="sum") + refined.regularization.sum()).backward()
        optimizer.step()
    distance.append(float((refined.kernel.detach() - placed(kernel)).abs().sum()))
    assert distance[1] < 0.5 * distance[0]
    torch.testing.assert_close(refined.kernel.sum(), torch.tensor(1.0))
