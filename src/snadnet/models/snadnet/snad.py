"""The SNAD layer: a normalization followed by adaptive denormalization (paper, II-C, Fig. 3b)."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.faces.classes import BACKGROUND_CLASSES, NUM_CLASSES
from snadnet.models.layers.graph_forms import channel_sum, convolve_to_parts
from snadnet.models.snadnet.normalization import SeparableNormalization

Normalization = Literal["separable", "instance", "batch", "none"]
"""``"separable"`` is the paper's; ``"instance"`` and ``"batch"`` are its ablations INAD and BNAD; ``"none"`` leaves out
the SNAD layers as a whole, normalization and denormalization: LinkNet alone."""


def foreground_mask(parsing: Tensor) -> Tensor:
    """Return ``M_f = 1 - M_b``, ``(B, 1, H, W)``, of class probabilities ``(B, 19, H, W)`` (II-C)."""
    return (1.0 - channel_sum(parsing, BACKGROUND_CLASSES)).clamp(0.0, 1.0)


def resize_parsing(parsing: Tensor, factor: int) -> Tensor:
    """Shrink class probabilities by a whole factor; every pixel's probabilities still sum to one."""
    return F.avg_pool2d(parsing, factor) if factor > 1 else parsing


class AdaptiveDenormalization(nn.Module):
    """Scale and shift normalized features by maps learned from the parsing map (paper, Eq. 8-9).

    ``h = relu(conv1(P)); gamma = conv2(h); beta = conv3(h); out = F * gamma + beta``. The ReLU is ours: Eq. 8 has none,
    and without it two convolutions would be one. ``conv2`` and ``conv3`` are computed as one convolution. At the start
    ``gamma`` is one and ``beta`` zero plus small terms.

    Args:
        channels: Of the features.
        hidden: Channels of ``h``.
        kernel_size: Of ``conv2`` and ``conv3``; ``conv1`` is 3 x 3. The paper states no sizes.
    """

    def __init__(self, channels: int, *, hidden: int, kernel_size: int) -> None:
        super().__init__()
        self.shared = nn.Conv2d(NUM_CLASSES, hidden, 3, padding=1)
        self.affine = nn.Conv2d(hidden, 2 * channels, kernel_size, padding=kernel_size // 2)
        nn.init.normal_(self.affine.weight, std=0.02)
        nn.init.zeros_(self.affine.bias)  # type: ignore[arg-type]

    def forward(self, normalized: Tensor, parsing: Tensor) -> Tensor:
        """Denormalize ``(B, C, H, W)`` by the parsing map ``(B, 19, H, W)`` of the same size."""
        hidden = F.relu(self.shared(parsing))
        gamma, beta = convolve_to_parts(hidden, [normalized.shape[1]] * 2, self.affine)
        # conv2's bias is kept as its difference from one, which keeps weight decay from pulling gamma to zero.
        return torch.addcmul(normalized + beta, normalized, gamma)


class SNADLayer(nn.Module):
    """Normalize by region, then denormalize by the parsing map (Algorithm 1).

    Args:
        channels: Of the features.
        hidden: Channels between the two convolutions of the denormalization.
        kernel_size: Of its second convolution.
        normalization: Any `Normalization`; with ``"none"`` the layer is the identity and has no weights.
    """

    def __init__(
        self, channels: int, *, hidden: int, kernel_size: int = 3, normalization: Normalization = "separable"
    ) -> None:
        super().__init__()
        self.separable = SeparableNormalization() if normalization == "separable" else None
        self.plain: nn.Module | None = None
        self.denormalization: AdaptiveDenormalization | None = None
        if normalization == "instance":
            self.plain = nn.InstanceNorm2d(channels)
        elif normalization == "batch":
            self.plain = nn.BatchNorm2d(channels, affine=False)
        if normalization != "none":
            self.denormalization = AdaptiveDenormalization(channels, hidden=hidden, kernel_size=kernel_size)

    def forward(self, features: Tensor, parsing: Tensor | None) -> Tensor:
        """Apply the layer to ``(B, C, H, W)`` features and class probabilities ``(B, 19, H, W)``.

        ``parsing`` is None only for a layer without normalization.
        """
        if self.denormalization is None:
            return features
        assert parsing is not None
        if self.separable is not None:
            normalized = self.separable(features, foreground_mask(parsing))
        else:
            assert self.plain is not None
            normalized = self.plain(features)
        denormalized: Tensor = self.denormalization(normalized, parsing)
        return denormalized
