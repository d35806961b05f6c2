"""Four overlapping views of a face, each with a kernel of its own: a camera that turns blurs no two places alike.

Within a view the blur is taken for the same everywhere, and where views overlap, what is made of them passes from one
to the next (overlapping patches, as in Hirsch et al. 2010, Efficient Filter Flow for Space-Variant Multiframe Blind
Deconvolution).
"""

from typing import Final

import torch
from torch import Tensor

QUARTERS: Final = 4
"""Upper left, upper right, lower left, lower right; of a batch's views all upper left ones come first."""


class Quarters:
    """The views for kernels of one reach.

    A view goes on beyond the middle by a kernel's reach, so that what moved in from there is seen. Two thirds of that
    on both sides of the middle belong to two views.

    Args:
        reach: Half of the kernels' sides.
    """

    def __init__(self, reach: int) -> None:
        self.overlap = reach
        self._blend = 2 * reach // 3

    def views(self, images: Tensor, *, margin: int = 0) -> Tensor:
        """Cut images into their views.

        Args:
            images: ``(B, C, H + 2 m, W + 2 m)``; ``H`` and ``W`` even and at least twice the overlap.
            margin: ``m``, how far the images, and their views, go on beyond their edges.

        Returns:
            ``(4 B, C, H / 2 + overlap + 2 m, W / 2 + overlap + 2 m)``.
        """
        upper, lower = self._halves(images, 2, margin)
        return torch.cat((*self._halves(upper, 3, margin), *self._halves(lower, 3, margin)))

    def _halves(self, images: Tensor, dim: int, margin: int) -> tuple[Tensor, Tensor]:
        length = images.shape[dim]
        side = length // 2 + margin + self.overlap
        return images.narrow(dim, 0, side), images.narrow(dim, length - side, side)

    def joined(self, views: Tensor, *, margin: int = 0) -> Tensor:
        """Put what was made of `views` together again, with its margin."""
        upper_left, upper_right, lower_left, lower_right = views.view(QUARTERS, -1, *views.shape[1:]).unbind()
        reach = self.overlap + margin
        upper, lower = self._joined(upper_left, upper_right, 3, reach), self._joined(lower_left, lower_right, 3, reach)
        return self._joined(upper, lower, 2, reach)

    def _joined(self, first: Tensor, second: Tensor, dim: int, reach: int) -> Tensor:
        own = first.shape[dim] - reach - self._blend
        share = (torch.arange(2 * self._blend, device=first.device) + 0.5) / (2 * self._blend)
        share = share.unsqueeze(1) if dim == 2 else share  # noqa: PLR2004 (the rows)
        before, after = (
            view.narrow(dim, start, 2 * self._blend) for view, start in ((first, own), (second, reach - self._blend))
        )
        passing = before + share * (after - before)
        return torch.cat((first.narrow(dim, 0, own), passing, second.narrow(dim, reach + self._blend, own)), dim=dim)
