"""Camera shake with rotation about the optical axis: a blur that varies over the image."""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from snadnet.blur.convolution import CV2_BORDERS, Border, check_border, checked_images
from snadnet.blur.trajectory import (
    ANXIETY,
    camera_paths,
    check_exposure,
    check_kernel_size,
    path_generators,
    path_kernel,
    place_path,
    splat,
)

# Neighbouring poses move no pixel by more than about this, so that the average shows no separate copies.
_POSE_SPACING = 0.5
# A limit of cv2.warpAffine.
_MAX_CHANNELS = 4


class CameraMotion(NamedTuple):
    """The movement and rotation of a camera, in units of the process of `trajectory_kernels`.

    Attributes:
        path: Of the translation, ``(2, SAMPLES)``.
        turn: Of the rotation, ``(SAMPLES,)``.
    """

    path: NDArray[np.float64]
    turn: NDArray[np.float64]

    def kernel(self, size: int, exposure: float) -> NDArray[np.float32]:
        """The kernel of the translation alone, ``(size, size)``: what blurs the image's centre."""
        return path_kernel(self.path, size, exposure)

    def poses(self, size: int, exposure: float, max_rotation_degrees: float) -> "Poses":
        """The camera over the exposure, with the translation placed as by `kernel`."""
        placed, weights = place_path(self.path, size, exposure)
        whole_turn = self.turn - self.turn.mean()
        turn = self.turn[: weights.size]
        turn = turn - (turn * weights).sum()
        return Poses(placed - (size - 1) / 2, turn * (max_rotation_degrees / np.abs(whole_turn).max()), weights)


class Poses(NamedTuple):
    """Where a camera was, and how it was turned.

    Attributes:
        shifts: Right and down in pixels, ``(2, N)``.
        degrees: Counter-clockwise about the image's centre, ``(N,)``.
        weights: Shares of the exposure, ``(N,)``, sum 1.
    """

    shifts: NDArray[np.float64]
    degrees: NDArray[np.float64]
    weights: NDArray[np.float64]

    def kernel_at(self, right: float, down: float) -> NDArray[np.float32]:
        """The kernel of a place, in pixels from the image's centre: odd sides, sum 1, its middle is the origin."""
        angles = np.radians(self.degrees)
        less, sine = np.cos(angles) - 1.0, np.sin(angles)
        moved = self.shifts + np.stack([less * right + sine * down, less * down - sine * right])
        reach = math.ceil(np.abs(moved).max())
        return splat(moved + reach, self.weights, 2 * reach + 1)


def camera_motions(count: int, *, anxiety: float, seed: "int | np.random.Generator | None") -> list[CameraMotion]:
    """Walk the paths of several motions at the same time, which is many times faster than one by one.

    Motion ``i`` depends on ``seed``, ``i`` and ``anxiety`` only; the path of the first is that of
    ``trajectory_kernel(..., anxiety=anxiety, seed=seed)``.

    Raises:
        ValueError: If ``anxiety`` is negative or not finite.
    """
    paths = list(camera_paths(path_generators(seed, 2 * count), anxiety))
    return [CameraMotion(path, turn[0]) for path, turn in zip(paths[::2], paths[1::2], strict=True)]


def rotating_blur(
    image: ArrayLike,
    size: int,
    *,
    max_rotation_degrees: float,
    exposure: float = 1.0,
    anxiety: float = ANXIETY,
    seed: "int | np.random.Generator | None" = None,
    border: Border = "reflect",
) -> NDArray[np.float32]:
    """Blur one image by a camera that moves along a trajectory and rotates about the image's centre.

    The image is the average of bilinearly warped copies, one for each pose of the camera. The
    translation is the very path of ``trajectory_kernel(size, exposure=..., anxiety=..., seed=...)``. The
    angle follows one coordinate of a second, independent path of the same kind; like the translation it is
    centred on its mean over the exposure, so that the image is not turned on the whole.

    Without rotation the result is that of `apply_kernel` with that kernel up to 5e-3 for
    a photo in [0, 1], and up to 2e-2 for white noise, the worst case: fewer poses are averaged than the
    kernel has samples, and OpenCV rounds each to 1/32 px.

    Args:
        image: ``(H, W, C)``, floating-point in [0, 1], at most 4 channels.
        size: Side in pixels of the translation's kernel, odd.
        max_rotation_degrees: Largest angle that the whole path turns away from its mean, at least 0.
        exposure: Fraction of the path that is integrated, in (0, 1].
        anxiety: Strength of all disturbances of both paths.
        seed: A number, a generator (which is advanced), or None for a blur that cannot be repeated.
        border: How the image goes on outside; see `apply_kernel`.

    Returns:
        ``(H, W, C)`` float32.

    Raises:
        ValueError: If an argument is out of its range.
    """
    (motion,) = camera_motions(1, anxiety=anxiety, seed=seed)
    return blur_by_motion(
        image, motion, size, max_rotation_degrees=max_rotation_degrees, exposure=exposure, border=border
    )


def blur_by_motion(
    image: ArrayLike,
    motion: CameraMotion,
    size: int,
    *,
    max_rotation_degrees: float,
    exposure: float = 1.0,
    border: Border = "reflect",
) -> NDArray[np.float32]:
    """Blur one image by a given motion; everything else is as in `rotating_blur`.

    Raises:
        ValueError: If an argument is out of its range.
    """
    checked = checked_images(image)
    if checked.ndim != 3 or checked.size == 0:  # noqa: PLR2004 - height, width and channels
        raise ValueError(f"image must be one image of shape (H, W, C), not {checked.shape}")
    if checked.shape[2] > _MAX_CHANNELS:
        raise ValueError(f"image must have at most {_MAX_CHANNELS} channels, not {checked.shape[2]}")
    check_border(border)
    if not (math.isfinite(max_rotation_degrees) and max_rotation_degrees >= 0):
        raise ValueError(f"max_rotation_degrees must be finite and at least 0, not {max_rotation_degrees}")
    check_exposure(exposure)
    kernel_size = check_kernel_size(size)
    return _average_of_poses(checked, motion.poses(kernel_size, exposure, max_rotation_degrees), border)


def _average_of_poses(image: NDArray[np.float32], over_time: Poses, border: Border) -> NDArray[np.float32]:
    shifts, degrees, weights = over_time
    height, width = image.shape[:2]
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    corner_travel = np.abs(np.diff(np.radians(degrees))).sum() * math.hypot(centre_x, centre_y)
    travel = np.hypot(*np.diff(shifts, axis=1)).sum() + corner_travel
    poses = min(weights.size, math.ceil(travel / _POSE_SPACING) + 1)
    # Each pose stands for a run of consecutive samples: their mean position, and the sum of their weights.
    starts = np.arange(poses) * weights.size // poses
    shares = np.add.reduceat(weights, starts)
    means = np.add.reduceat(np.vstack([shifts, degrees]) * weights, starts, axis=1) / shares
    total = np.zeros(image.shape, np.float32)
    for share, (shift_x, shift_y, turn) in zip(shares, means.T, strict=True):
        pose = cv2.getRotationMatrix2D((centre_x, centre_y), turn, 1.0)
        pose[:, 2] += shift_x, shift_y
        copy = cv2.warpAffine(image, pose, (width, height), flags=cv2.INTER_LINEAR, borderMode=CV2_BORDERS[border])
        total += np.float32(share) * copy.reshape(image.shape)
    return total
