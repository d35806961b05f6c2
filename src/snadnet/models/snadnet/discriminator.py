"""The multi-patch discriminator of SNADNet (paper, II-E, Fig. 4).

Here "SN" of the paper's "SN block" means *spectral* normalization; in the generator it means *separable*
normalization. Neither is ever abbreviated in this code.
"""

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from snadnet.errors import ModelError

SIZE_STEP: Final = 32
"""The image side must be a multiple of this."""
SMALLEST_SIZE: Final = 64
"""The smallest image side: below it no block would lead the last three by two."""

_IMAGE_CHANNELS = 3
_PATCH_STAGES = 3
_LARGEST_WIDENING = 8


class DiscriminatorOutput(NamedTuple):
    """The discriminator's outputs for a batch: unbounded scores, higher for "more real".

    Attributes:
        patches: Three patch maps (B, 1, h, w), the smallest receptive field (the largest map) first.
        score: One score for each whole image (B, 1).
    """

    patches: tuple[Tensor, Tensor, Tensor]
    score: Tensor


def _normalized_weight(layer: nn.Conv2d | nn.Linear, device_type: str) -> Tensor:
    """The layer's weight over its spectral norm, in full precision.

    Autocast may run matrix products in half precision, which would blur the norm and clash with the power
    iteration's float32 vectors.
    """
    with torch.autocast(device_type, enabled=False):
        return layer.weight


class SpectralNormConv2d(nn.Module):
    """A zero-padded convolution whose weight, as a (out, in * k * k) matrix, has spectral norm 1."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, *, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(in_channels, out_channels, kernel_size, stride=stride, padding=1)
        spectral_norm(self.convolution)

    def forward(self, features: Tensor) -> Tensor:
        """Convolve (B, in, H, W) to (B, out, H', W')."""
        layer = self.convolution
        weight = _normalized_weight(layer, features.device.type)
        return F.conv2d(features, weight, layer.bias, layer.stride, layer.padding)


class SpectralNormBlock(nn.Module):
    """Halves the sides with two parallel branches, 4x4 and 3x3 (Fig. 4b); their outputs are concatenated."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half_width = out_channels // 2
        self.branch4 = SpectralNormConv2d(in_channels, half_width, 4, stride=2)
        self.branch3 = SpectralNormConv2d(in_channels, out_channels - half_width, 3, stride=2)

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, in, H, W) to (B, out, ceil(H / 2), ceil(W / 2)), values at least 0."""
        height, width = features.shape[2:]
        # On an odd side the two kernels' outputs would differ by one pixel; a row of zeros makes it even.
        even = F.pad(features, (0, width % 2, 0, height % 2))
        return F.relu(torch.cat((self.branch4(even), self.branch3(even)), dim=1))


class MultiPatchDiscriminator(nn.Module):
    """Judges an image by patches of three sizes and as a whole, in one chain of convolutions.

    The chain has ``floor(log2(image_size)) - 1`` spectral-norm blocks, each halving the sides (rounded up),
    so that the last map is 2x2, 3x3 or 4x4. A 3x3 convolution after each of the last three blocks gives a
    one-channel patch map, and a dense layer on the flattened last features gives the global score:

    ==========  ======  ==================
    image size  blocks  patch maps
    ==========  ======  ==================
    128         6       8x8, 4x4, 2x2
    160         6       10x10, 5x5, 3x3
    256         7       8x8, 4x4, 2x2
    ==========  ======  ==================

    The paper's maps are 8x8, 4x4 and 2x2 for every size, which 160 = 5 * 32 cannot give by halving; it
    keeps the blocks of 128, hence the same receptive fields, on slightly larger maps. Any other multiple of
    32 from 64 works by the same rule. The dense layer sees the flattened, not the pooled, features: faces
    are aligned, so that place carries meaning.

    The paper puts spectral normalization in the blocks; the patch heads and the dense layer have it too,
    since the bound on the discriminator's slope that it is for holds only if every layer keeps to it.
    Widths are not in the paper: the first block has ``width`` channels, each later one twice as many up to
    ``8 * width``.

    Images are taken in [0, 1] and mapped to [-1, 1] inside. In training mode every forward pass takes one
    step of the power iteration that estimates the spectral norms; there is no other state and no batch
    statistic, so that an image's scores do not depend on its batch.
    """

    def __init__(self, image_size: int, *, width: int = 64) -> None:
        """Build the discriminator.

        Args:
            image_size: Side of the square images in pixels, a multiple of 32, at least 64.
            width: Channels after the first block, at least 2.

        Raises:
            ModelError: If ``image_size`` or ``width`` is not of that kind.
        """
        super().__init__()
        if image_size < SMALLEST_SIZE or image_size % SIZE_STEP:
            raise ModelError(
                f"image_size {image_size} does not suit the discriminator: "
                f"take a multiple of {SIZE_STEP}, at least {SMALLEST_SIZE}, such as 128, 160 or 256"
            )
        if width < 2:  # noqa: PLR2004 - one channel a branch
            raise ModelError(f"width {width} is too small for the discriminator's two branches: take at least 2")
        self.image_size = image_size
        block_count = image_size.bit_length() - 2
        widths = [width * min(2**index, _LARGEST_WIDENING) for index in range(block_count)]
        self.blocks = nn.ModuleList(
            SpectralNormBlock(before, after) for before, after in zip([_IMAGE_CHANNELS, *widths], widths, strict=False)
        )
        self.patch_heads = nn.ModuleList(SpectralNormConv2d(channels, 1, 3) for channels in widths[-_PATCH_STAGES:])
        last_side = -(-image_size // 2**block_count)
        self.dense = nn.Linear(widths[-1] * last_side**2, 1)
        spectral_norm(self.dense)

    def forward(self, image: Tensor) -> DiscriminatorOutput:
        """Score a batch of images.

        Args:
            image: RGB images (B, 3, image_size, image_size) in [0, 1].

        Returns:
            Three patch maps and one global score for each image.

        Raises:
            ModelError: If the images are not of the size that this discriminator was built for.
        """
        expected = (_IMAGE_CHANNELS, self.image_size, self.image_size)
        if image.shape[1:] != expected:
            raise ModelError(
                f"this discriminator takes images of shape {('B', *expected)}, got {tuple(image.shape)}: "
                "resize them or build it with their image_size"
            )
        features = image * 2 - 1
        stages: list[Tensor] = []
        for block in self.blocks:
            features = block(features)
            stages.append(features)
        small, medium, large = (
            head(stage) for head, stage in zip(self.patch_heads, stages[-_PATCH_STAGES:], strict=True)
        )
        weight = _normalized_weight(self.dense, image.device.type)
        score = F.linear(features.flatten(1), weight, self.dense.bias)
        return DiscriminatorOutput(patches=(small, medium, large), score=score)
