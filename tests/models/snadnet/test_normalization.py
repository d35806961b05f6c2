"""Separable normalization: its definition, and its properties (paper, II-C and appendix A)."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from snadnet.models.snadnet import SeparableNormalization, separable_normalize
from snadnet.models.snadnet.normalization import separable_normalize_reference


def half_mask(batch: int, height: int, width: int) -> Tensor:
    """The left half of every sample is foreground."""
    mask = torch.zeros(batch, 1, height, width)
    mask[..., : width // 2] = 1.0
    return mask


@pytest.mark.parametrize("normalize", [separable_normalize, separable_normalize_reference])
def test_golden_value_by_hand(normalize: Callable[..., Tensor]) -> None:
    # Foreground 1, 3: mean 2, variance 1. Background 10, 30: mean 20, variance 100.
    features = torch.tensor([[[[1.0, 3.0, 10.0, 30.0]]]])
    mask = torch.tensor([[[[1.0, 1.0, 0.0, 0.0]]]])
    result = normalize(features, mask, epsilon=0.0)
    torch.testing.assert_close(result, torch.tensor([[[[-1.0, 1.0, -1.0, 1.0]]]]))


@given(
    seed=st.integers(0, 2**31),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(2, 9), st.integers(2, 9)),
    offset=st.floats(-100, 100),
    hard=st.booleans(),
)
def test_equals_the_definition(seed: int, shape: tuple[int, int, int, int], offset: float, hard: bool) -> None:
    torch.manual_seed(seed)
    features = torch.randn(shape)
    foreground = torch.rand(shape[0], 1, *shape[2:])
    foreground[:, :, 0, 0], foreground[:, :, -1, -1] = 1.0, 0.0
    if hard:
        foreground = foreground.round()
    features = features + offset * foreground
    expected = separable_normalize_reference(features.double(), foreground.double())
    torch.testing.assert_close(separable_normalize(features, foreground).double(), expected, rtol=1e-3, atol=2e-3)
    with pytest.MonkeyPatch.context() as patch:  # as a graph computes it
        patch.setattr("torch.compiler.is_compiling", lambda: True)
        torch.testing.assert_close(separable_normalize(features, foreground).double(), expected, rtol=1e-3, atol=2e-3)


def test_each_region_gets_mean_zero_and_variance_one() -> None:
    torch.manual_seed(0)
    mask = (torch.rand(3, 1, 16, 16) > 0.4).float()
    result = separable_normalize(5.0 + 3.0 * torch.randn(3, 4, 16, 16) + 40.0 * mask, mask)
    for region in (mask, 1.0 - mask):
        count = region.sum(dim=(2, 3))
        mean = (result * region).sum(dim=(2, 3)) / count
        variance = (result.square() * region).sum(dim=(2, 3)) / count - mean.square()
        assert mean.abs().max() < 1e-5
        assert (variance - 1.0).abs().max() < 1e-4


def test_a_constant_added_to_one_region_leaves_the_other_alone() -> None:
    torch.manual_seed(0)
    features, mask = torch.randn(2, 3, 8, 8), half_mask(2, 8, 8)
    before = separable_normalize(features, mask)
    after = separable_normalize(features + 1000.0 * mask, mask)
    torch.testing.assert_close(after[..., 4:], before[..., 4:], rtol=0, atol=1e-6)
    # The moved region itself only differs by the rounding of 1000 + x in float32.
    torch.testing.assert_close(after, before, rtol=0, atol=2e-3)


def test_samples_do_not_depend_on_their_batch() -> None:
    torch.manual_seed(0)
    features, mask = torch.randn(4, 3, 8, 8), torch.rand(4, 1, 8, 8)
    alone = torch.cat([separable_normalize(f[None], m[None]) for f, m in zip(features, mask, strict=True)])
    torch.testing.assert_close(separable_normalize(features, mask), alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_region_everywhere_is_instance_norm(value: float) -> None:
    torch.manual_seed(0)
    features = 2.0 + torch.randn(2, 3, 8, 8)
    result = separable_normalize(features, torch.full((2, 1, 8, 8), value))
    torch.testing.assert_close(result, F.instance_norm(features), rtol=1e-4, atol=1e-5)


def test_variance_identity_of_appendix_a() -> None:
    # Eq. 28: the whole's variance from the regions' variances and means.
    torch.manual_seed(0)
    values = torch.randn(64, dtype=torch.float64) * 2.0
    face, back = values[:24], values[24:] + 5.0
    whole = torch.cat((face, back))
    share = len(face) / len(whole)
    identity = (
        share * face.var(correction=0)
        + (1 - share) * back.var(correction=0)
        + share * (1 - share) * (back.mean() - face.mean()) ** 2
    )
    torch.testing.assert_close(whole.var(correction=0), identity)
    # What it is for: after separable normalization the whole has variance one too.
    image = whole.float().view(1, 1, 8, 8)
    mask = (torch.arange(64) < 24).float().view(1, 1, 8, 8)
    assert separable_normalize(image, mask).var(correction=0).item() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("foreground", [0.0, 1.0])
def test_an_empty_region_gives_no_nan_in_either_direction(foreground: float) -> None:
    features = torch.randn(1, 2, 4, 4, requires_grad=True)
    mask = torch.full((1, 1, 4, 4), foreground, requires_grad=True)
    result = separable_normalize(features, mask)
    (result * torch.randn_like(result)).sum().backward()
    for tensor in (result, features.grad, mask.grad):
        assert tensor is not None
        assert torch.isfinite(tensor).all()


def test_a_constant_region_becomes_zero() -> None:
    mask = half_mask(1, 4, 4)
    result = separable_normalize(7.0 * mask - 3.0 * (1.0 - mask), mask)
    assert result.abs().max() < 1e-3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_does_not_overflow(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    # 60,000 is near float16's limit; sums and squares of it are far beyond.
    features = (50_000.0 + 5_000.0 * torch.randn(1, 2, 64, 64).clamp(-2, 2)).to(dtype)
    result = separable_normalize(features, half_mask(1, 64, 64))
    assert result.dtype is dtype
    expected = separable_normalize_reference(features.double(), half_mask(1, 64, 64).double())
    torch.testing.assert_close(result.double(), expected, rtol=2e-2, atol=2e-2)


def test_statistics_stay_in_float32_under_autocast() -> None:
    features = 300.0 + torch.randn(1, 2, 32, 32)
    mask = half_mask(1, 32, 32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = separable_normalize(features, mask)
    torch.testing.assert_close(result, separable_normalize(features, mask))


def test_gradients_are_those_of_the_definition() -> None:
    torch.manual_seed(0)
    features = torch.randn(2, 2, 5, 4, requires_grad=True)
    mask = torch.rand(2, 1, 5, 4).requires_grad_()
    weight = torch.randn(2, 2, 5, 4)
    found = torch.autograd.grad((separable_normalize(features, mask) * weight).sum(), (features, mask))
    reference = separable_normalize_reference(features.double(), mask.double())
    expected = torch.autograd.grad((reference * weight).sum(), (features, mask))
    for mine, true in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, true, rtol=1e-3, atol=1e-4)


def test_channels_last_features_stay_channels_last() -> None:
    features = torch.randn(2, 8, 6, 6).contiguous(memory_format=torch.channels_last)
    result = SeparableNormalization()(features, half_mask(2, 6, 6))
    assert result.is_contiguous(memory_format=torch.channels_last)


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        separable_normalize(torch.randn(1, 2, 4, 4), torch.ones(1, 1, 8, 8))
