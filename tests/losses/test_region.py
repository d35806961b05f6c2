import math

import pytest
import torch

from snadnet.errors import ConfigError
from snadnet.losses import RegionReconstructionLoss, RegionWeights, region_errors, region_masks


def example(batch: int = 3, dtype: torch.dtype = torch.float32):
    generator = torch.Generator().manual_seed(5)
    restored, sharp = torch.rand(2, batch, 3, 6, 7, generator=generator, dtype=torch.float64).to(dtype)
    masks = region_masks(torch.randint(0, 19, (batch, 6, 7), generator=generator)).to(dtype)
    return restored, sharp, masks


def test_golden_value():
    # A 1 x 4 image: two pixels of skin, one of an eye, one of background; no hair.
    masks = region_masks(torch.tensor([[[1, 17, 4, 0]]]))
    sharp = torch.zeros(1, 3, 1, 4)
    restored = torch.zeros(1, 3, 1, 4)
    restored[0, :, 0, 0] = torch.tensor([0.3, -0.3, 0.6])  # mean over channels 0.4, over the skin's two pixels 0.2
    restored[0, 0, 0, 2] = 0.3  # 0.1
    restored[0, :, 0, 3] = 0.5  # 0.5
    torch.testing.assert_close(region_errors(restored, sharp, masks), torch.tensor([[0.2, 0.1, 0.0, 0.5]]))
    loss = RegionReconstructionLoss()(restored, sharp, masks)
    assert loss.shape == ()
    assert loss.item() == pytest.approx(12 * 0.2 + 10 * 0.1 + 8 * 0 + 6 * 0.5)
    only_back = RegionReconstructionLoss(RegionWeights(skin=0, facial=0, hair=0, back=1))
    assert only_back(restored, sharp, masks).item() == pytest.approx(0.5)


def test_a_uniform_error_counts_the_same_in_a_small_and_a_large_region():
    labels = torch.ones(1, 8, 8, dtype=torch.int64)
    labels[0, 0, 0] = 4
    errors = region_errors(torch.full((1, 3, 8, 8), 0.75), torch.full((1, 3, 8, 8), 0.5), region_masks(labels))
    assert torch.equal(errors, torch.tensor([[0.25, 0.25, 0.0, 0.0]]))


def test_the_loss_of_a_batch_is_the_mean_of_its_images():
    loss = RegionReconstructionLoss()
    restored, sharp, masks = example()
    masks[1, 2] = 0  # one image without hair
    singles = [loss(restored[i : i + 1], sharp[i : i + 1], masks[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(loss(restored, sharp, masks), torch.stack(singles).mean())


def test_only_a_regions_own_pixels_count():
    restored, sharp, masks = example(1)
    changed = restored + masks[:, 1:2] * 0.5
    before, after = region_errors(restored, sharp, masks), region_errors(changed, sharp, masks)
    assert torch.equal(before[:, [0, 2, 3]], after[:, [0, 2, 3]])
    assert not torch.equal(before[:, 1], after[:, 1])


def test_empty_regions_add_nothing_and_give_no_nan():
    restored, sharp, _ = example()
    restored.requires_grad_()
    loss = RegionReconstructionLoss()(restored, sharp, torch.zeros(3, 4, 6, 7))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(restored.grad, torch.zeros_like(restored))


def test_a_faint_soft_region_is_not_blown_up():
    restored, sharp, masks = example(1)
    masks[:, 2] = 1e-6
    assert region_errors(restored, sharp, masks)[0, 2] < 6 * 7 * 1e-6


def test_gradient():
    restored, sharp, masks = example(2, torch.float64)
    masks[0, 2] = 0
    restored.requires_grad_()
    assert torch.autograd.gradcheck(lambda image: RegionReconstructionLoss()(image, sharp, masks), (restored,))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_summed_in_float32(dtype):
    # 600 x 600 pixels: a float16 sum ends at 65504, a bfloat16 sum of ones at 256.
    restored = torch.full((1, 3, 600, 600), 0.5, dtype=dtype, requires_grad=True)
    sharp, masks = torch.zeros(1, 3, 600, 600), torch.zeros(1, 4, 600, 600, dtype=dtype)
    masks[:, 0] = 1
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = RegionReconstructionLoss()(restored, sharp, masks)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(6.0)
    assert restored.grad.isfinite().all()


def test_shapes_that_do_not_fit_are_refused():
    restored, sharp, masks = example()
    for arguments in (
        (restored[:1], sharp, masks),
        (restored, sharp, masks[:1]),
        (restored, sharp, masks[:, :3]),
    ):
        with pytest.raises(ValueError, match="do not fit"):
            RegionReconstructionLoss()(*arguments)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_weights_out_of_range_are_named(value):
    with pytest.raises(ConfigError, match=r"RegionWeights\.hair"):
        RegionWeights(hair=value)
