"""The canonical crop: a face turned upright and scaled to the FFHQ five-point template."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from snadnet.faces.defaults import CROP_SIZE
from snadnet.faces.warp import warp
from snadnet.image_arrays import PEAKS, Pixels

TEMPLATE: Final[NDArray[np.float32]] = np.multiply(
    np.array(
        [
            (192.98138, 239.94708),
            (318.90277, 240.1936),
            (256.63416, 314.01935),
            (201.26117, 371.41043),
            (313.08905, 371.15118),
        ],
        np.float32,
    ),
    np.float32(CROP_SIZE / 512),
)
"""Where the five landmarks (`snadnet.faces.types.LANDMARK_NAMES`) lie in the crop: FFHQ's places."""
TEMPLATE.setflags(write=False)


def similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the rotation, uniform scale and shift that take points nearest to others, by least squares.

    Without mirroring the problem is linear and has this closed form (Umeyama 1991 in two dimensions).

    Args:
        source: ``(N, 2)`` points, at least two of them different.
        target: ``(N, 2)`` points.

    Returns:
        float64 ``(2, 3)``: ``target ~ matrix[:, :2] @ source + matrix[:, 2]``.

    Raises:
        ValueError: If all points of ``source`` are the same.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    a, b = source - source_mean, target - target_mean
    spread = float((a * a).sum())
    if spread <= 0:
        raise ValueError("a similarity needs at least two different points")
    cosine = float((a * b).sum()) / spread
    sine = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([linear, target_mean - linear @ source_mean])


def face_matrix(landmarks: NDArray[np.floating], size: int = CROP_SIZE) -> NDArray[np.float64]:
    """Return the similarity from photo pixels to crop pixels that puts five landmarks on the template.

    Args:
        landmarks: ``(5, 2)`` in photo pixels.
        size: Side of the crop in pixels.

    Returns:
        float64 ``(2, 3)``.
    """
    return similarity(landmarks, TEMPLATE * (size / CROP_SIZE))


def crop_face(pixels: Pixels, matrix: NDArray[np.float64], size: int = CROP_SIZE) -> NDArray[np.float32]:
    """Cut the canonical crop of a face from a photo.

    Cubic interpolation; a face larger than the crop is averaged over areas first, so nothing aliases. What
    lies outside the photo is mirrored at its border.

    Args:
        pixels: RGB ``(H, W, 3)``, uint8 or uint16.
        matrix: float64 ``(2, 3)`` from photo to crop pixels (`face_matrix`).
        size: Side of the crop in pixels.

    Returns:
        float32 RGB ``(size, size, 3)`` in [0, 1].
    """
    crop = warp(pixels, matrix, (size, size))
    crop /= np.float32(PEAKS[pixels.dtype])
    return crop.clip(0, 1, out=crop)
