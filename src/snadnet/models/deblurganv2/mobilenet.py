"""MobileNetV2 (Sandler et al. 2018) up to 1/32, from torchvision and with the names of its published weights."""

from functools import partial

from torch import Tensor, nn
from torchvision.models import mobilenet_v2

from snadnet.models.layers.batch_normalization import BatchNorm

_STAGES = ((0, 2), (2, 4), (4, 7), (7, 11), (11, 16))


class MobileNetV2(nn.Module):
    """The five feature maps of MobileNetV2 that DeblurGAN-v2 builds its pyramid on, at 1/2 to 1/32.

    Args:
        width: Factor on the channel counts, which are rounded to multiples of 8.
        image_statistics: See ``BatchNorm``.
    """

    def __init__(self, width: float = 1.0, *, image_statistics: bool = False) -> None:
        super().__init__()
        whole = mobilenet_v2(
            weights=None, width_mult=width, norm_layer=partial(BatchNorm, image_statistics=image_statistics)
        )
        self.features: nn.Sequential = whole.features[: _STAGES[-1][1]]
        self.channels = tuple(int(self.features[end - 1].out_channels) for _, end in _STAGES)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map ``(B, 3, H, W)`` to five feature maps, finest first."""
        maps = []
        for start, end in _STAGES:
            images = self.features[start:end](images)
            maps.append(images)
        return tuple(maps)
