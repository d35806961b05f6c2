"""PSNR, SSIM and L1 % of restored pictures, one value a picture (SPEC 12).

All three read pictures as a file would hold them: clipped to [0, 1] and rounded to 8 bits. A score therefore
stays the same when the picture goes through a PNG, and so does the comparison with another tool's pictures.
Values are per picture and never pooled over a batch: the mean over pictures is the caller's to take, and does
not depend on how the pictures were batched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

SSIM_WINDOW: Final = 11
SSIM_SIGMA: Final = 1.5
_SSIM_BORDER: Final = SSIM_WINDOW // 2
_IMAGE_DIMENSIONS: Final = (1, 2, 3)


@dataclass(frozen=True, eq=False)
class ImageScores:
    """The scores of N pictures, each field a float32 tensor of shape (N,).

    Attributes:
        psnr: Peak signal-to-noise ratio in dB; ``inf`` where a picture equals its target.
        ssim: Structural similarity, at most 1.
        l1_percent: Mean absolute error in percent of the full range.
    """

    psnr: Tensor
    ssim: Tensor
    l1_percent: Tensor

    def __len__(self) -> int:
        return len(self.psnr)


def concatenate(parts: Sequence[ImageScores]) -> ImageScores:
    """Join the scores of several batches, in order."""
    return ImageScores(
        psnr=torch.cat([part.psnr for part in parts]),
        ssim=torch.cat([part.ssim for part in parts]),
        l1_percent=torch.cat([part.l1_percent for part in parts]),
    )


def rounded_to_8_bits(images: Tensor) -> Tensor:
    """Clip to [0, 1] and round to the 256 levels of an 8-bit file.

    Args:
        images: Floating point pictures of any shape.

    Returns:
        float32, the same shape, every value a multiple of 1/255.
    """
    return (images.float().clamp(0.0, 1.0) * 255.0).round() / 255.0


def _rounded_pair(restored: Tensor, sharp: Tensor) -> tuple[Tensor, Tensor]:
    if restored.shape != sharp.shape or restored.ndim != 1 + len(_IMAGE_DIMENSIONS):
        raise ValueError(
            "restored and sharp pictures must both be (B, 3, H, W); "
            f"got {tuple(restored.shape)} and {tuple(sharp.shape)}"
        )
    return rounded_to_8_bits(restored), rounded_to_8_bits(sharp)


def psnr(restored: Tensor, sharp: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each picture, over all its pixels and channels.

    Equal pictures score ``inf``, as the formula and other tools have it: a cap would be a made-up figure, and
    would silently enter means. Whoever averages must say what becomes of such pictures.

    Args:
        restored: (B, 3, H, W), RGB in [0, 1].
        sharp: The same shape and range.

    Returns:
        (B,) float32, dB for a data range of 1.

    Raises:
        ValueError: The shapes differ or are not (B, 3, H, W).
    """
    restored, sharp = _rounded_pair(restored, sharp)
    return peak_signal_noise_ratio(restored, sharp, data_range=1.0, reduction="none", dim=_IMAGE_DIMENSIONS)


def ssim(restored: Tensor, sharp: Tensor) -> Tensor:
    """Structural similarity of each picture (Wang et al. 2004): Gaussian window of 11 px, sigma 1.5, range 1.

    Computed for each channel, then averaged. Only windows that lie wholly inside the picture count, as in the
    original definition and in scikit-image (``gaussian_weights=True, use_sample_covariance=False``), with
    which this agrees to 1e-4 (sums are float32; flat pictures differ most). torchmetrics' own mean also
    counts the border of 5 px, for which it makes up pixels by reflection.

    Args:
        restored: (B, 3, H, W), RGB in [0, 1], H and W at least 11.
        sharp: The same shape and range.

    Returns:
        (B,) float32, at most 1.

    Raises:
        ValueError: The shapes differ, are not (B, 3, H, W), or are smaller than the window.
    """
    restored, sharp = _rounded_pair(restored, sharp)
    if min(sharp.shape[-2:]) < SSIM_WINDOW:
        raise ValueError(f"SSIM needs pictures of at least {SSIM_WINDOW} px; got {tuple(sharp.shape)}")
    # Local variances are small differences of large sums: half precision (a caller's autocast) or TF32
    # (cuDNN's default) would spoil them.
    full_precision = torch.autocast(sharp.device.type, enabled=False)
    with full_precision, torch.backends.cudnn.flags(enabled=False, allow_tf32=False):
        _, similarity = structural_similarity_index_measure(
            restored,
            sharp,
            gaussian_kernel=True,
            sigma=SSIM_SIGMA,
            kernel_size=SSIM_WINDOW,
            data_range=1.0,
            reduction="none",
            return_full_image=True,
        )
    inside = similarity[..., _SSIM_BORDER:-_SSIM_BORDER, _SSIM_BORDER:-_SSIM_BORDER]
    return inside.mean(dim=_IMAGE_DIMENSIONS)


def l1_percent(restored: Tensor, sharp: Tensor) -> Tensor:
    """Mean absolute error of each picture in percent of the full range.

    Args:
        restored: (B, 3, H, W), RGB in [0, 1].
        sharp: The same shape and range.

    Returns:
        (B,) float32 in [0, 100].

    Raises:
        ValueError: The shapes differ or are not (B, 3, H, W).
    """
    restored, sharp = _rounded_pair(restored, sharp)
    return 100.0 * (restored - sharp).abs().mean(dim=_IMAGE_DIMENSIONS)


def image_scores(restored: Tensor, sharp: Tensor) -> ImageScores:
    """All three scores of each picture; arguments and errors as for :func:`ssim`."""
    return ImageScores(psnr=psnr(restored, sharp), ssim=ssim(restored, sharp), l1_percent=l1_percent(restored, sharp))
