"""Fidelity of restored images: PSNR, SSIM and L1 %, one value an image (``docs/research/paper.md``, Metrics).

All three read images as a file would hold them: clipped to [0, 1] and rounded to 8 bits. A score therefore
stays the same when the image goes through a PNG, and so does the comparison with another tool's images.
Values are per image and never pooled over a batch: the mean over images is left to the caller, and does
not depend on how the images were batched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from snadnet.image_arrays import to_float
from snadnet.metrics.base import Measure, MetricOptions, ReadValues, ScoredFace, Values, averaged

PSNR: Final = averaged("psnr", "PSNR dB", 2, higher_is_better=True)
SSIM: Final = averaged("ssim", "SSIM", 4, higher_is_better=True)
L1: Final = averaged("l1_percent", "L1 %", 2, higher_is_better=False)

SSIM_WINDOW: Final = 11
SSIM_SIGMA: Final = 1.5
_SSIM_BORDER: Final = SSIM_WINDOW // 2
_IMAGE_DIMENSIONS: Final = (1, 2, 3)


@dataclass(frozen=True, eq=False)
class ImageScores:
    """Scores of N images, each field a float32 tensor of shape (N,).

    Attributes:
        psnr: Peak signal-to-noise ratio in dB; ``inf`` where a image equals its target.
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
        images: Floating point images of any shape.

    Returns:
        float32, the same shape, every value a multiple of 1/255.
    """
    return (images.float().clamp(0.0, 1.0) * 255.0).round() / 255.0


def _rounded_pair(restored: Tensor, sharp: Tensor) -> tuple[Tensor, Tensor]:
    if restored.shape != sharp.shape or restored.ndim != 1 + len(_IMAGE_DIMENSIONS):
        raise ValueError(
            f"restored and sharp images must both be (B, 3, H, W); got {tuple(restored.shape)} and {tuple(sharp.shape)}"
        )
    return rounded_to_8_bits(restored), rounded_to_8_bits(sharp)


def psnr(restored: Tensor, sharp: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each image, over all its pixels and channels.

    Equal images score ``inf``, as the formula and other tools have it: a cap would be a made-up figure, and
    would silently enter means. Whoever averages must say how many there are.

    Args:
        restored: (B, 3, H, W), RGB in [0, 1].
        sharp: The same shape and range.

    Returns:
        (B,) float32, dB for a data range of 1.

    Raises:
        ValueError: If the shapes differ or are not (B, 3, H, W).
    """
    restored, sharp = _rounded_pair(restored, sharp)
    return peak_signal_noise_ratio(restored, sharp, data_range=1.0, reduction="none", dim=_IMAGE_DIMENSIONS)


def ssim(restored: Tensor, sharp: Tensor) -> Tensor:
    """Structural similarity of each image (Wang et al. 2004): Gaussian window of 11 px, sigma 1.5, range 1.

    Computed for each channel, then averaged. Only windows that lie wholly inside the image count, as in the
    original definition and in scikit-image (``gaussian_weights=True, use_sample_covariance=False``), with
    which this agrees to 1e-4 (sums are float32; flat images differ most). torchmetrics' own mean also
    counts the border of 5 px, for which it makes up pixels by reflection.

    Args:
        restored: (B, 3, H, W), RGB in [0, 1], H and W at least 11.
        sharp: The same shape and range.

    Returns:
        (B,) float32, at most 1.

    Raises:
        ValueError: If the shapes differ, are not (B, 3, H, W), or are smaller than the window.
    """
    restored, sharp = _rounded_pair(restored, sharp)
    if min(sharp.shape[-2:]) < SSIM_WINDOW:
        raise ValueError(f"SSIM needs images of at least {SSIM_WINDOW} px; got {tuple(sharp.shape)}")
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
    """Mean absolute error of each image in percent of the full range.

    Args:
        restored: (B, 3, H, W), RGB in [0, 1].
        sharp: The same shape and range.

    Returns:
        (B,) float32 in [0, 100].

    Raises:
        ValueError: If the shapes differ or are not (B, 3, H, W).
    """
    restored, sharp = _rounded_pair(restored, sharp)
    return 100.0 * (restored - sharp).abs().mean(dim=_IMAGE_DIMENSIONS)


def image_scores(restored: Tensor, sharp: Tensor) -> ImageScores:
    """All three scores of each image; arguments and errors as for ``ssim``."""
    return ImageScores(psnr=psnr(restored, sharp), ssim=ssim(restored, sharp), l1_percent=l1_percent(restored, sharp))


class Fidelity:
    """PSNR, SSIM and L1 % of 8-bit RGB."""

    measures: tuple[Measure, ...] = (PSNR, SSIM, L1)
    description = "PSNR, SSIM (Gaussian window of 11 px, sigma 1.5), L1 %: of each face, on 8-bit RGB"

    @classmethod
    def create(cls, options: MetricOptions) -> "Fidelity":
        """Return the metric, which needs none of the options."""
        del options
        return cls()

    def prepare(self, faces: Sequence[ScoredFace]) -> ReadValues:
        """Keep the sharp faces to compare restored ones with; see ``snadnet.metrics.base.Metric``."""
        sharp = _as_tensor(np.stack([face.sharp for face in faces]))

        def read(restored: NDArray[np.uint8]) -> tuple[Values, ...]:
            # One by one: the sums of a batch are added up in another order, which shows in the last digits.
            pairs = zip(torch.split(_as_tensor(restored), 1), torch.split(sharp, 1), strict=True)
            scores = [image_scores(*pair) for pair in pairs]
            return tuple(
                np.array([float(getattr(each, name)) for each in scores]) for name in ("psnr", "ssim", "l1_percent")
            )

        return read


def _as_tensor(images: NDArray[np.uint8]) -> Tensor:
    # A view: in another memory layout sums are added up in another order, which shows in the last digits.
    return torch.from_numpy(to_float(images)).permute(0, 3, 1, 2)
