"""DeblurGAN-v2's double-scale critic (Kupyn et al. 2019, section 3.2): patches and the whole image."""

from typing import NamedTuple

from torch import Tensor, nn

from snadnet.models.deblurgan.critic import PatchCritic


class DoubleScaleScores(NamedTuple):
    """Unbounded scores, higher for "more real": ``(B, 1, h, w)`` of patches and ``(B, 1, h', w')`` of all."""

    patch: Tensor
    full: Tensor


class DoubleScaleCritic(nn.Module):
    """Two critics without shared weights on RGB ``(B, 3, H, W)`` in ``[-1, 1]``.

    Args:
        width: Channels after their first convolutions.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.patch = PatchCritic(3, width=width)
        self.full = PatchCritic(5, width=width)

    def forward(self, images: Tensor) -> DoubleScaleScores:
        """Score a batch."""
        return DoubleScaleScores(self.patch(images), self.full(images))
