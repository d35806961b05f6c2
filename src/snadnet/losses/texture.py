"""The texture loss (paper, Eq. 12)."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.losses.precision import at_least_float32
from snadnet.models.snadnet.texture_extractor import TextureExtractor


class TextureLoss(nn.Module):
    """L1 between predicted textures and the Laplacian texture of the sharp image, summed over the stages.

    The sharp image is brought to each stage's size first and its texture is taken there (docs/research/paper.md,
    Losses), by area averaging: for the whole factors of the decoder's stages this is the exact mean of each block of
    pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.extractor = TextureExtractor()

    def forward(self, predicted: Sequence[Tensor], sharp: Tensor) -> Tensor:
        """Compute the loss.

        Args:
            predicted: Predicted textures, one (B, 3, h, w) a stage, each at most as large as ``sharp``. No
                stage at all gives 0 (a generator without texture enhancement).
            sharp: True images (B, 3, H, W) in [0, 1].

        Returns:
            A scalar, at least float32: for each stage the mean over images, channels and pixels; the
            stages' sum.

        Raises:
            ValueError: If a prediction's batch or channels differ from those of ``sharp``, or it is larger.
        """
        target = at_least_float32(sharp)
        loss = target.new_zeros(())
        for stage, texture in enumerate(predicted):
            size = texture.shape[2:]
            fits = texture.ndim == sharp.ndim and texture.shape[:2] == sharp.shape[:2]
            if not fits or any(side > limit for side, limit in zip(size, sharp.shape[2:], strict=True)):
                raise ValueError(
                    f"predicted texture {stage} of shape {tuple(texture.shape)} does not fit "
                    f"the sharp images {tuple(sharp.shape)}"
                )
            truth = self.extractor(F.interpolate(target, size=size, mode="area"))
            loss = loss + (at_least_float32(texture) - truth).abs().mean()
        return loss
