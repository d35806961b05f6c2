"""The relativistic adversarial losses of generator and discriminator (paper, Eq. 13-17).

Each fake is judged against its own true twin: the generator wants ``D(fake) - D(real)`` large, the
discriminator wants it small. ``-log(sigmoid(x))`` is written ``softplus(-x)``, which stays finite for any
finite score.
"""

from dataclasses import asdict, fields

import torch
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


def generator_losses(fake: DiscriminatorOutput, real: DiscriminatorOutput) -> dict[str, Tensor]:
    """Return the generator's loss of each of the discriminator's outputs (Eq. 13), not yet weighted.

    Args:
        fake: As in `generator_loss`.
        real: Likewise.

    Returns:
        Scalars, at least float32, by the names of ``AdversarialWeights``: ``log(2)`` where fake and real score alike.

    Raises:
        ValueError: If the outputs' shapes differ.
    """
    return _output_losses(winner=fake, loser=real)


def _relativistic_loss(
    *, winner: DiscriminatorOutput, loser: DiscriminatorOutput, weights: AdversarialWeights
) -> Tensor:
    factors = asdict(weights)
    losses = _output_losses(winner=winner, loser=loser)
    return torch.stack([factors[name] * loss for name, loss in losses.items()]).sum()


def _output_losses(*, winner: DiscriminatorOutput, loser: DiscriminatorOutput) -> dict[str, Tensor]:
    pairs = zip((*winner.patches, winner.score), (*loser.patches, loser.score), strict=True)
    losses = []
    for high, low in pairs:
        if high.shape != low.shape:
            raise ValueError(f"outputs for fake and real differ in shape: {tuple(high.shape)} and {tuple(low.shape)}")
        losses.append(F.softplus(at_least_float32(low) - at_least_float32(high)).mean())
    return dict(zip((field.name for field in fields(AdversarialWeights)), losses, strict=True))
