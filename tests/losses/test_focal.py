import math

import pytest
import torch
from torch.nn import functional as F

from snadnet.errors import ConfigError
from snadnet.losses import FocalLoss


def example(batch: int = 2, dtype: torch.dtype = torch.float32):
    generator = torch.Generator().manual_seed(7)
    logits = 3 * torch.randn(batch, 19, 4, 5, generator=generator, dtype=torch.float64).to(dtype)
    return logits, torch.randint(0, 19, (batch, 4, 5), generator=generator)


def logits_of(*probabilities: float) -> torch.Tensor:
    return torch.tensor(probabilities, dtype=torch.float64).log().reshape(1, -1, 1, 1)


def test_golden_value():
    # p_t = 1/4 then 1/2, of three classes, on two pixels side by side.
    logits = torch.cat((logits_of(0.25, 0.5, 0.25), logits_of(0.25, 0.5, 0.25)), dim=3)
    labels = torch.tensor([[[0, 1]]])
    losses = (0.75**2 * math.log(4), 0.5**2 * math.log(2))
    assert FocalLoss()(logits, labels).item() == pytest.approx(sum(losses) / 2)
    weighted = FocalLoss(alpha=torch.tensor([0.5, 3.0, 9.0]))
    assert weighted(logits, labels).item() == pytest.approx((0.5 * losses[0] + 3 * losses[1]) / 2)


def test_without_focus_it_is_cross_entropy():
    logits, labels = example()
    labels[0, 1, 2:4] = 255
    expected = F.cross_entropy(logits, labels, ignore_index=255)
    torch.testing.assert_close(FocalLoss(gamma=0)(logits, labels), expected)
    torch.testing.assert_close(FocalLoss(gamma=0, alpha=torch.ones(19))(logits, labels), expected)


def test_focus_never_raises_the_loss_and_favours_hard_pixels():
    logits, labels = example()
    values = [FocalLoss(gamma=gamma)(logits, labels).item() for gamma in (0, 1, 2, 5)]
    assert values == sorted(values, reverse=True)
    easy, hard = (logits_of(p, 1 - p) for p in (0.9, 0.1))
    label = torch.zeros(1, 1, 1, dtype=torch.int64)
    ratio = FocalLoss()(hard, label) / FocalLoss()(easy, label)
    assert ratio.item() == pytest.approx(81 * math.log(10) / math.log(10 / 9))


def test_ignored_pixels_have_no_say():
    logits, labels = example()
    labels[:, :, 0] = 255
    logits.requires_grad_()
    loss = FocalLoss()(logits, labels)
    loss.backward()
    assert torch.equal(logits.grad[..., 0], torch.zeros(2, 19, 4))
    torch.testing.assert_close(loss, FocalLoss()(logits[..., 1:], labels[..., 1:]))


def test_all_pixels_ignored_is_zero_without_nan():
    logits, labels = example()
    logits.requires_grad_()
    loss = FocalLoss()(logits, torch.full_like(labels, 255))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_extreme_logits_stay_finite(gamma, dtype):
    logits = torch.zeros(1, 3, 1, 2, dtype=dtype)
    logits[0, 0] = 60000.0
    logits.requires_grad_()
    right_and_wrong = torch.tensor([[[0, 1]]])
    loss = FocalLoss(gamma)(logits, right_and_wrong)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(30000, rel=1e-2)
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("gamma", [0.0, 0.7, 2.0])
def test_gradient(gamma):
    logits, labels = example(1, torch.float64)
    labels[0, 0, 0] = 255
    focal = FocalLoss(gamma, alpha=torch.linspace(0.1, 2, 19))
    assert torch.autograd.gradcheck(lambda scores: focal(scores, labels), (logits.requires_grad_(),))


def test_the_loss_of_a_batch_is_the_mean_of_its_images():
    logits, labels = example(3)
    singles = [FocalLoss()(logits[i : i + 1], labels[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(FocalLoss()(logits, labels), torch.stack(singles).mean())


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="gamma"):
        FocalLoss(gamma=-1)
    with pytest.raises(ConfigError, match="alpha"):
        FocalLoss(alpha=torch.tensor([1.0, math.nan]))
    logits, labels = example()
    with pytest.raises(ValueError, match="19 classes"):
        FocalLoss(alpha=torch.ones(11))(logits, labels)
    with pytest.raises(ValueError, match="do not fit"):
        FocalLoss()(logits, labels[:1])
