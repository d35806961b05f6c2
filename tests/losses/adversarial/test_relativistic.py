import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snadnet.losses import AdversarialWeights, discriminator_loss, generator_loss, generator_losses
from snadnet.models.snadnet.discriminator import DiscriminatorOutput

SIDES = (8, 4, 2)


def outputs(*levels: float, batch: int = 2, dtype: torch.dtype = torch.float32) -> DiscriminatorOutput:
    """Constant outputs: one level for each patch map, smallest receptive field first, and for the score."""
    small, medium, large = (
        torch.full((batch, 1, side, side), level, dtype=dtype) for side, level in zip(SIDES, levels[:3], strict=True)
    )
    return DiscriminatorOutput((small, medium, large), torch.full((batch, 1), levels[3], dtype=dtype))


def random_outputs(seed: int, batch: int = 3, scale: float = 1.0) -> DiscriminatorOutput:
    generator = torch.Generator().manual_seed(seed)
    small, medium, large = (scale * torch.randn(batch, 1, side, side, generator=generator) for side in SIDES)
    return DiscriminatorOutput((small, medium, large), scale * torch.randn(batch, 1, generator=generator))


def test_golden_value():
    # sigmoid(log 3) = 3/4 on the largest map, sigmoid(-log 3) = 1/4 on the score, 1/2 elsewhere.
    fake, real = outputs(math.log(3), 5, -5, 1), outputs(0, 5, -5, 1 + math.log(3))
    expected = 0.2 * math.log(4 / 3) + (0.4 + 0.8) * math.log(2) + 1.0 * math.log(4)
    assert generator_loss(fake, real).item() == pytest.approx(expected)
    assert generator_loss(fake, real).shape == ()
    each = {name: loss.item() for name, loss in generator_losses(fake, real).items()}
    halves = {"small": math.log(4 / 3), "medium": math.log(2), "large": math.log(2), "whole": math.log(4)}
    assert each == pytest.approx(halves)


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_equal_outputs_cost_log_two_for_each_unit_of_weight(seed):
    same = random_outputs(seed)
    assert generator_loss(same, same).item() == pytest.approx(2.4 * math.log(2), rel=1e-5)
    weights = AdversarialWeights(small=1, medium=2, large=3, whole=4)
    assert discriminator_loss(same, same, weights).item() == pytest.approx(10 * math.log(2), rel=1e-5)


@given(st.integers(0, 1000), st.floats(-50, 50))
@settings(max_examples=8, deadline=None)
def test_generator_and_discriminator_want_opposite_things(seed, shift):
    fake, real = random_outputs(seed), random_outputs(seed + 1)
    assert torch.equal(generator_loss(fake, real), discriminator_loss(real, fake))
    # softplus(x) - softplus(-x) = x: the two losses differ by the mean score differences alone.
    gap = sum(
        weight * (high - low).mean()
        for weight, high, low in zip(
            (0.2, 0.4, 0.8, 1.0), (*fake.patches, fake.score), (*real.patches, real.score), strict=True
        )
    )
    torch.testing.assert_close(discriminator_loss(fake, real) - generator_loss(fake, real), gap, rtol=1e-4, atol=1e-5)
    moved = [
        DiscriminatorOutput(tuple(patch + shift for patch in output.patches), output.score + shift)
        for output in (fake, real)
    ]
    torch.testing.assert_close(generator_loss(*moved), generator_loss(fake, real), rtol=1e-4, atol=1e-4)


def test_weights_are_in_the_order_of_the_receptive_fields():
    equal = outputs(0, 0, 0, 0)
    base = generator_loss(equal, equal).item()
    rises = []
    for place in range(4):
        levels = [0.0] * 4
        levels[place] = -60.0
        rises.append((generator_loss(outputs(*levels), equal).item() - base) / (60 - math.log(2)))
    assert rises == pytest.approx([0.2, 0.4, 0.8, 1.0], rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_extreme_scores_stay_finite(dtype):
    level = 60000.0
    fake = outputs(-level, -level, -level, -level, dtype=dtype)
    real = outputs(level, level, level, level, dtype=dtype)
    fake.score.requires_grad_()
    loss = generator_loss(fake, real)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(2.4 * 2 * level, rel=1e-2)
    assert fake.score.grad.isfinite().all()
    assert discriminator_loss(fake, real).item() == 0


def test_gradients_push_apart():
    fake, real = random_outputs(1), random_outputs(2)
    fake.score.requires_grad_()
    (toward,) = torch.autograd.grad(generator_loss(fake, real), fake.score)
    (away,) = torch.autograd.grad(discriminator_loss(fake, real), fake.score)
    assert (toward < 0).all()
    assert (away > 0).all()


def test_gradient():
    real = outputs(0.1, -0.2, 0.3, 0.4, batch=1, dtype=torch.float64)
    fake = [torch.randn_like(value).requires_grad_() for value in (*real.patches, real.score)]
    assert torch.autograd.gradcheck(
        lambda a, b, c, d: generator_loss(DiscriminatorOutput((a, b, c), d), real), tuple(fake)
    )


def test_the_loss_of_a_batch_is_the_mean_of_its_images():
    fake, real = random_outputs(3), random_outputs(4)

    def one(output: DiscriminatorOutput, i: int) -> DiscriminatorOutput:
        return DiscriminatorOutput(tuple(patch[i : i + 1] for patch in output.patches), output.score[i : i + 1])

    singles = [generator_loss(one(fake, i), one(real, i)) for i in range(3)]
    torch.testing.assert_close(generator_loss(fake, real), torch.stack(singles).mean())


def test_another_batch_size_is_refused_rather_than_broadcast():
    with pytest.raises(ValueError, match="differ in shape"):
        generator_loss(random_outputs(1, batch=3), random_outputs(2, batch=1))
