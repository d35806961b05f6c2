"""The baselines' losses, against values by hand."""

import math

import pytest
import torch
from torch import Tensor

from snadnet.losses import (
    PIXEL_LOSSES,
    confidence_guided_loss,
    confidence_penalty,
    gradient_penalty,
    relativistic_average_critic_loss,
    relativistic_average_generator_loss,
    slope_loss,
    wasserstein_critic_loss,
    wasserstein_generator_loss,
)
from snadnet.losses.pixel import laplacian


def flat(value: float, *, count: int = 2, side: int = 8) -> Tensor:
    return torch.full((count, 3, side, side), value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("l1", 0.1),
        ("mse", 0.01),
        ("charbonnier", math.sqrt(0.01 + 1e-6)),
        ("edge", 1e-3),  # a flat difference has no edges: what is left is the loss's smallest value
        ("psnr", -20.0),
    ],
)
def test_a_flat_difference_of_a_tenth(name: str, expected: float) -> None:
    assert PIXEL_LOSSES[name](flat(0.6), flat(0.5)).item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", list(PIXEL_LOSSES))
def test_losses_are_summed_in_full_precision(name: str) -> None:
    restored = torch.rand(2, 3, 16, 16, dtype=torch.bfloat16).requires_grad_()
    loss = PIXEL_LOSSES[name](restored, torch.rand(2, 3, 16, 16))
    loss.backward()
    assert loss.dtype == torch.float32
    assert restored.grad is not None
    assert restored.grad.isfinite().all()


def test_the_psnr_loss_weighs_pictures_alike() -> None:
    """Errors of 20 and 40 dB make 30, however much the first outweighs the second in squares."""
    restored = torch.cat([flat(0.1, count=1), flat(0.01, count=1)])
    assert PIXEL_LOSSES["psnr"](restored, flat(0.0)).item() == pytest.approx(-30.0, abs=1e-3)


def test_the_laplacian_of_an_impulse() -> None:
    """A lone pixel on the kept grid: halving leaves 0.16 of it there, enlarging 4 * 0.16 of that.

    Its neighbours on the kept grid, two pixels off, hold 0.4 * 0.05; all of them add to the middle again.
    """
    impulse = torch.zeros(1, 1, 16, 16)
    impulse[0, 0, 8, 8] = 1.0
    # In one dimension, with the factor of 2 that each contributes: 2 * (0.4 * 0.4 + 2 * 0.05 * 0.05) = 0.33.
    assert laplacian(impulse)[0, 0, 8, 8].item() == pytest.approx(1.0 - 0.33**2, rel=1e-5)
    smooth = torch.linspace(0, 1, 16).expand(1, 3, 16, 16)
    inner = laplacian(smooth)[..., 5:-5, 5:-5]
    assert laplacian(torch.rand(1, 3, 17, 16)).shape == (1, 3, 17, 16)
    assert inner.abs().max() < 1e-5


def test_edges_count_more_than_flat_differences() -> None:
    stripes = flat(0.5)
    stripes[..., ::2] += 0.1
    assert PIXEL_LOSSES["edge"](stripes, flat(0.5)) > 10 * PIXEL_LOSSES["edge"](flat(0.6), flat(0.5))


def test_wasserstein_losses() -> None:
    fake, real = torch.tensor([1.0, 3.0]), torch.tensor([4.0, 6.0])
    assert wasserstein_critic_loss(fake, real).item() == -3.0
    assert wasserstein_generator_loss(fake).item() == -2.0


def linear_critic(slope: float) -> torch.nn.Module:
    """Scores ``slope`` times the picture's unit-norm projection, on a map of four equal scores."""

    class Critic(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.slope = torch.nn.Parameter(torch.tensor(slope))

        def forward(self, images: Tensor) -> Tensor:
            score = self.slope * images.flatten(1).sum(dim=1) / math.sqrt(images[0].numel())
            return score.view(-1, 1, 1, 1).expand(-1, 1, 2, 2)

    return Critic()


@pytest.mark.parametrize(("slope", "expected"), [(1.0, 0.0), (3.0, 4.0), (0.5, 0.25)])
def test_the_penalty_is_by_the_slope_over_a_whole_picture(slope: float, expected: float) -> None:
    critic = linear_critic(slope)
    penalty = gradient_penalty(critic, torch.rand(3, 3, 8, 8), torch.rand(3, 3, 8, 8))
    assert penalty.item() == pytest.approx(expected, abs=1e-5)
    penalty.backward()
    assert critic.slope.grad.item() == pytest.approx(2.0 * (slope - 1.0), abs=1e-4)


def test_the_penalty_looks_between_the_pictures_and_leaves_them_alone() -> None:
    seen: list[Tensor] = []

    def critic(images: Tensor) -> Tensor:
        seen.append(images.detach())
        return images.square().mean(dim=1, keepdim=True)

    fake = flat(1.0, count=5).requires_grad_()
    gradient_penalty(critic, fake, flat(0.0, count=5))
    shares = seen[0].flatten(1)
    assert (shares == shares[:, :1]).all()  # one place on the line for a whole picture
    assert len(shares[:, 0].unique()) == 5  # and another for each
    assert 0 <= shares.min() <= shares.max() <= 1
    assert fake.grad is None


def test_relativistic_average_losses() -> None:
    fake, real = torch.tensor([0.0, 2.0]), torch.tensor([1.0, 5.0])
    # Averages 1 and 3. True ones above 1 by 0 and 4, less 1: 1 and 9; restored ones above 3 by -3 and -1, plus 1: 4, 0.
    assert relativistic_average_critic_loss(fake, real).item() == pytest.approx(0.5 * (5.0 + 2.0))
    assert relativistic_average_generator_loss(fake, real) == relativistic_average_critic_loss(real, fake)
    assert relativistic_average_critic_loss(fake, fake + 7.0) > relativistic_average_critic_loss(fake, fake + 1.0)
    assert relativistic_average_critic_loss(torch.zeros(4), torch.ones(4)).item() == 0.0
    assert relativistic_average_critic_loss(torch.ones(4), torch.ones(4)).item() == 1.0


def test_the_confidence_guided_loss_by_hand() -> None:
    masks = torch.zeros(1, 2, 4, 4)
    masks[:, 0, :2], masks[:, 1, 2:] = 1.0, 1.0
    restored, sharp = flat(0.0, count=1, side=4), flat(0.0, count=1, side=4)
    restored[:, :, 2:] = 0.4  # all of the error is in the second class
    confidences = torch.tensor([[[0.9, 0.9, 0.9], [0.2, 0.5, 0.8]]])
    loss = confidence_guided_loss(restored, sharp, masks, confidences, (1.2, 3.6))
    assert loss.item() == pytest.approx(3.6 * 0.5 * (0.4 * 0.5), rel=1e-5)
    # The published form, written out.
    mask, trust = masks[:, 1:], confidences[0, 1].view(1, 3, 1, 1)
    published = (trust * mask * restored + (1 - trust) * mask * sharp - mask * sharp).abs().mean()
    assert loss.item() == pytest.approx(3.6 * published.item(), rel=1e-5)


def test_low_confidence_costs() -> None:
    assert confidence_penalty(torch.ones(2, 4, 3)).item() == 0.0
    assert confidence_penalty(torch.full((2, 4, 3), math.exp(-1))).item() == pytest.approx(4.0)


def test_slopes_are_compared_across_and_down() -> None:
    ramp = torch.arange(8.0).expand(1, 3, 8, 8)
    assert slope_loss(0.1 * ramp, flat(0.3, count=1)).item() == pytest.approx(0.1, rel=1e-5)
    assert slope_loss(0.1 * ramp + 0.2 * ramp.mT, flat(0.3, count=1)).item() == pytest.approx(0.3, rel=1e-5)
    assert slope_loss(flat(0.9), flat(0.1)).item() == 0.0


def test_the_signs_of_slopes_do_not_count() -> None:
    """As in UMSN's published program; two rows by hand."""
    restored = torch.tensor([[[[0.0, 0.3, 0.1], [0.0, 0.3, 0.1]]]])
    sharp = torch.tensor([[[[0.5, 0.2, 0.3], [0.5, 0.2, 0.3]]]])
    # Across, slopes of 0.3 and 0.2 against 0.3 and 0.1; down, none.
    assert slope_loss(restored, sharp).item() == pytest.approx((0.0 + 0.1) / 2, rel=1e-5)
