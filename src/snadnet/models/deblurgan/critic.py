"""The patch critic of both DeblurGANs (Isola et al. 2017's PatchGAN without a sigmoid)."""

from itertools import pairwise

from torch import Tensor, nn

from snadnet.models.deblurgan.network import initialize_convolutions

_WIDEST = 8
_SLOPE = 0.2


class PatchCritic(nn.Module):
    """RGB ``(B, 3, H, W)`` in ``[-1, 1]`` to a map of unbounded scores ``(B, 1, h, w)``, higher for "more real".

    ``strides`` convolutions of stride 2 and two of stride 1, all 4 x 4 and padded by 2. Instance normalization uses
    each image's own statistics, so that scores do not depend on the batch, as a gradient penalty needs.

    Args:
        strides: 3 gives each score a field of 70 x 70 px, 5 one that covers an image of 256 px.
        width: Channels after the first convolution; they double at each stride up to eight times.
    """

    def __init__(self, strides: int = 3, *, width: int = 64) -> None:
        super().__init__()
        widths = [width * min(2**level, _WIDEST) for level in range(strides + 1)]
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, stride=2, padding=2), nn.LeakyReLU(_SLOPE, inplace=True)]
        for level, (channels, wider) in enumerate(pairwise(widths), start=1):
            stride = 2 if level < strides else 1
            layers += [
                nn.Conv2d(channels, wider, 4, stride=stride, padding=2),
                nn.InstanceNorm2d(wider),
                nn.LeakyReLU(_SLOPE, inplace=True),
            ]
        layers.append(nn.Conv2d(widths[-1], 1, 4, padding=2))
        self.layers = nn.Sequential(*layers)
        initialize_convolutions(self)

    def forward(self, images: Tensor) -> Tensor:
        """Score a batch."""
        scores: Tensor = self.layers(images)
        return scores
