"""The relativistic adversarial losses of generator and discriminator (paper, Eq. 13-17).

Each fake is judged against its own true twin: the generator wants ``D(fake) - D(real)`` large, the
discriminator wants it small. ``-log(sigmoid(x))`` is written ``softplus(-x)``, which stays finite for any
finite score.
"""

from dataclasses import astuple

from torch import Tensor
from torch.nn import functional as F

from snadnet.losses.precision import at_least_float32
from snadnet.losses.weights import AdversarialWeights
from snadnet.models.snadnet.discriminator import DiscriminatorOutput

_PAPER_WEIGHTS = AdversarialWeights()


def generator_loss(
    fake: DiscriminatorOutput, real: DiscriminatorOutput, weights: AdversarialWeights = _PAPER_WEIGHTS
) -> Tensor:
    """Adversarial loss of the generator (Eq. 13-14).

    Args:
        fake: The discriminator's outputs for restored images.
        real: Its outputs for the sharp twins of the same images, in the same order.
        weights: Weights of the three patch maps and the global score.

    Returns:
        A scalar, at least float32: for each output the mean over images and positions; their weighted sum.
        It is ``log(2)`` times the sum of the weights where fake and real score alike.

    Raises:
        ValueError: If the outputs' shapes differ.
    """
    return _relativistic_loss(winner=fake, loser=real, weights=weights)


def discriminator_loss(
    fake: DiscriminatorOutput, real: DiscriminatorOutput, weights: AdversarialWeights = _PAPER_WEIGHTS
) -> Tensor:
    """Adversarial loss of the discriminator (Eq. 16-17): the generator's with fake and real exchanged.

    Arguments, result and errors as in `generator_loss`.
    """
    return _relativistic_loss(winner=real, loser=fake, weights=weights)


def _relativistic_loss(
    *, winner: DiscriminatorOutput, loser: DiscriminatorOutput, weights: AdversarialWeights
) -> Tensor:
    outputs = zip((*winner.patches, winner.score), (*loser.patches, loser.score), astuple(weights), strict=True)
    loss = at_least_float32(winner.score).new_zeros(())
    for high, low, weight in outputs:
        if high.shape != low.shape:
            raise ValueError(f"outputs for fake and real differ in shape: {tuple(high.shape)} and {tuple(low.shape)}")
        loss = loss + weight * F.softplus(at_least_float32(low) - at_least_float32(high)).mean()
    return loss
