"""The Wasserstein losses with gradient penalty (Gulrajani et al. 2017), as DeblurGAN is trained by."""

from collections.abc import Callable

import torch
from torch import Tensor

from snadnet.losses.precision import at_least_float32


def wasserstein_critic_loss(fake: Tensor, real: Tensor) -> Tensor:
    """Mean score of restored images less that of true ones; a scalar, at least float32."""
    return at_least_float32(fake).mean() - at_least_float32(real).mean()


def wasserstein_generator_loss(fake: Tensor) -> Tensor:
    """Negative mean score of restored images; a scalar, at least float32."""
    return -at_least_float32(fake).mean()


def gradient_penalty(critic: Callable[[Tensor], Tensor], fake: Tensor, real: Tensor) -> Tensor:
    """Squared distance of the critic's slope from 1, between restored and true images (Gulrajani et al., Eq. 3).

    DeblurGAN's program differentiates the sum of a score map and takes the norm at each pixel; here it is the mean of
    the map, which the critic's other losses use, and the norm over the whole image, as in the paper of the penalty.

    Args:
        critic: Maps ``(B, 3, H, W)`` to score maps; an image's score is the mean of its map.
        fake: Restored images ``(B, 3, H, W)``; no gradient goes to them.
        real: True images of the same shape.

    Returns:
        A scalar: the mean over the images of ``(norm - 1)^2``, where the norm is that of the gradient over all of a
        image's values, at one point on the line between its restored and its true state, drawn for each image.
    """
    mix = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = torch.lerp(real.detach(), fake.detach(), mix).requires_grad_()
    scores = at_least_float32(critic(between)).flatten(1).mean(dim=1)
    (slopes,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
    norms: Tensor = torch.linalg.vector_norm(at_least_float32(slopes).flatten(1), dim=1)
    return (norms - 1.0).square().mean()
