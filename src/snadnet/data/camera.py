"""What a camera does to light before and after the blur: highlights that clip, the sRGB curve, its own processing."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from snadnet.srgb import decode_srgb, encode_srgb

_NEARLY_WHITE: Final = 0.9
_MOST_GAIN: Final = 8.0
_DENOISED: Final = (0.3, 0.8)
_SHARPENED: Final = (0.2, 0.8)


def expose(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sRGB values of light that a sensor clips to ``[0, 1]``."""
    return encode_srgb(np.clip(light, 0.0, 1.0))


def unclip_highlights(image: NDArray[np.float32], gain: float) -> NDArray[np.float32]:
    """Return the light of an image in which what is nearly white is brighter than the image could hold.

    A highlight that moves leaves a bright trace, of which the mean of clipped values knows nothing.

    Args:
        image: ``(H, W, 3)`` sRGB in ``[0, 1]``.
        gain: How much brighter the whitest pixels are, at least 1.

    Returns:
        Linear light of the same shape, from 0 to ``gain``.
    """
    share = np.clip((image.min(axis=2, keepdims=True) - _NEARLY_WHITE) / (1.0 - _NEARLY_WHITE), 0.0, 1.0)
    light: NDArray[np.float32] = decode_srgb(image) * (1.0 + (gain - 1.0) * share)
    return light


def draw_gain(rng: np.random.Generator) -> float:
    """Draw how bright highlights are, log-uniformly from 1 to 8."""
    return float(np.exp(rng.uniform(0.0, np.log(_MOST_GAIN))))


def process(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth and sharpen an image mildly, as cameras do.

    Args:
        image: ``(H, W, 3)`` sRGB in ``[0, 1]``.
        rng: Source of how much: a Gaussian of 0.3 to 0.8 px, then 20 to 80 % of what another of 1 px takes away added.

    Returns:
        The same shape, clipped to ``[0, 1]``.
    """
    smooth = cv2.GaussianBlur(image, (0, 0), rng.uniform(*_DENOISED))
    detail = smooth - cv2.GaussianBlur(smooth, (0, 0), 1.0)
    return np.clip(smooth + rng.uniform(*_SHARPENED) * detail, 0.0, 1.0).astype(np.float32)
