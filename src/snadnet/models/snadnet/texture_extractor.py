"""The fixed Laplacian that makes the target of the texture loss (paper, II-D, Fig. 5)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))
_CHANNELS = 3
_RANK = 4
_SMALLEST_SIDE = 2


class TextureExtractor(nn.Module):
    """Takes the texture of each colour channel with one 3x3 Laplace operator.

    The paper names the Laplace operator but not its kernel; this is the 4-neighbour one, the sum of the
    second differences along both axes. The border is mirrored (without repeating the edge pixel), so that a
    constant image has texture 0 up to its last pixel. Nothing here is learned, and the kernel is not stored
    in weights.
    """

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        kernel = torch.tensor(_LAPLACIAN).expand(_CHANNELS, 1, 3, 3).clone()
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Extract the texture of a batch of images.

        Args:
            image: RGB images (B, 3, H, W) in [0, 1], H and W at least 2.

        Returns:
            Texture (B, 3, H, W) in [-4, 4], never less precise than float32, also under autocast: the
            Laplacian is a small difference of large values, which half precision would lose.

        Raises:
            ValueError: If ``image`` is not of that shape.
        """
        small = image.ndim != _RANK or min(image.shape[2:]) < _SMALLEST_SIDE
        if small or image.shape[1] != _CHANNELS:
            raise ValueError(
                f"image must be (B, 3, H, W), sides of at least {_SMALLEST_SIDE}, got {tuple(image.shape)}"
            )
        with torch.autocast(image.device.type, enabled=False):
            precise = image.to(torch.promote_types(image.dtype, torch.float32))
            mirrored = F.pad(precise, (1, 1, 1, 1), mode="reflect")
            return F.conv2d(mirrored, self.kernel.to(precise.dtype), groups=_CHANNELS)
