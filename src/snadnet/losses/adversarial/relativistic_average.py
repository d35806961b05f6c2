"""The relativistic average least-squares losses (Jolicoeur-Martineau 2019), as DeblurGAN-v2 is trained by."""

from torch import Tensor

from snadnet.losses.precision import at_least_float32


def relativistic_average_critic_loss(fake: Tensor, real: Tensor) -> Tensor:
    """Squared distance of true images from scoring 1 above the average restored one, and of restored ones from 1 below.

    Args:
        fake: The critic's scores of restored images, of any shape.
        real: Its scores of true ones.

    Returns:
        A scalar, at least float32: half the sum of both mean squares. It is 1 where all score alike, 0 at best.
    """
    return _least_squares(high=real, low=fake)


def relativistic_average_generator_loss(fake: Tensor, real: Tensor) -> Tensor:
    """Return the critic's loss with restored and true images exchanged."""
    return _least_squares(high=fake, low=real)


def _least_squares(*, high: Tensor, low: Tensor) -> Tensor:
    upper, lower = at_least_float32(high), at_least_float32(low)
    above = (upper - lower.mean() - 1.0).square().mean()
    below = (lower - upper.mean() + 1.0).square().mean()
    return 0.5 * (above + below)
