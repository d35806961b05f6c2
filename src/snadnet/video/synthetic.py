"""Synthetic clips: a portrait moved as before a shaky camera and blurred, with the sharp clip and the true motion.

Tests and measurements need clips whose sharp frames and alignment are known. The sharp clip is the portrait under a
smooth path with a shake on top, in a plain scene; the blurred one has another camera-trajectory kernel in each frame,
and noise. A mouth that opens and closes stands for a face that changes by itself.
"""

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from snadnet.blur import add_noise, apply_kernel, trajectory_kernels
from snadnet.faces import similarity
from snadnet.faces.warp import compose, transform
from snadnet.image_arrays import to_float, to_uint8

_SWAY: Final = 0.05  # of the frame's shorter side: the slow part of the path
_SWAY_FRAMES: Final = 40  # its period
_SHAKE: Final = 0.008  # of the frame's shorter side: standard deviation of the fast part
_SHAKE_TURN: Final = 0.012  # radians
_SHAKE_SCALE: Final = 0.008
_SHAKE_SMOOTHING: Final = 1.5  # frames
_MOUTH_FRAMES: Final = 16  # between two openings of the mouth
_FILL: Final = 0.9  # of the frame's height that the portrait takes


@dataclass(frozen=True, eq=False)
class SyntheticClip:
    """A clip with its truth.

    Attributes:
        sharp: The frames before the blur, uint8 RGB ``(H, W, 3)`` each.
        blurred: The frames as a shaky camera has them, likewise.
        landmarks: The true landmarks ``(5, 2)`` of each frame, in its pixels.
    """

    sharp: tuple[NDArray[np.uint8], ...]
    blurred: tuple[NDArray[np.uint8], ...]
    landmarks: tuple[NDArray[np.float32], ...]


def moving_portrait(
    portrait: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    *,
    frames: int,
    size: tuple[int, int],
    seed: int,
    blur: tuple[int, int] = (5, 17),
    noise: float = 0.01,
    mouth: float = 0.0,
) -> SyntheticClip:
    """Make a clip of one portrait.

    Args:
        portrait: uint8 RGB ``(H, W, 3)``.
        landmarks: Its five landmarks ``(5, 2)``.
        frames: How many frames.
        size: Width and height of the frames in pixels.
        seed: Of the path, the kernels and the noise.
        blur: The smallest and the largest side of the kernels in pixels, odd; each frame has one of its own.
        noise: Standard deviation of the noise in the blurred frames, of white.
        mouth: How far the mouth opens, as a fraction of the distance between its corners; 0 keeps it still.

    Returns:
        The clip; the same for the same arguments.
    """
    rng = np.random.default_rng(seed)
    width, height = size
    scene = _scene(rng, width, height)
    base = _placed(portrait.shape, size)
    sides = rng.integers(blur[0] // 2, blur[1] // 2 + 1, frames) * 2 + 1
    kernels = trajectory_kernels([int(side) for side in sides], seed=rng)
    sharp: list[NDArray[np.uint8]] = []
    blurred: list[NDArray[np.uint8]] = []
    points: list[NDArray[np.float32]] = []
    for number, (path, kernel) in enumerate(zip(_path(rng, frames, size), kernels, strict=True)):
        opening = mouth * (0.5 - 0.5 * np.cos(2 * np.pi * number / _MOUTH_FRAMES))
        face = _with_open_mouth(portrait, landmarks, opening) if mouth else portrait
        matrix = compose(path, base)
        frame = _on_scene(scene, face, matrix, path)
        shaken = apply_kernel(to_float(frame), kernel)
        sharp.append(frame)
        blurred.append(to_uint8(add_noise(shaken, noise, seed=rng)))
        points.append(transform(matrix, landmarks).astype(np.float32))
    return SyntheticClip(tuple(sharp), tuple(blurred), tuple(points))


def _scene(rng: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    """A plain wall with soft shades, larger than the frame by a quarter on each side."""
    shades = rng.uniform(80, 150, (6, 8, 3)).astype(np.float32)
    return np.asarray(cv2.resize(shades, (width * 3 // 2, height * 3 // 2), interpolation=cv2.INTER_CUBIC), np.uint8)


def _placed(shape: tuple[int, ...], size: tuple[int, int]) -> NDArray[np.float64]:
    """The map of the portrait to the middle of the frame."""
    scale = _FILL * size[1] / shape[0]
    return np.array(
        [[scale, 0, (size[0] - scale * shape[1]) / 2], [0, scale, (size[1] - scale * shape[0]) / 2]], np.float64
    )


def _path(rng: np.random.Generator, frames: int, size: tuple[int, int]) -> list[NDArray[np.float64]]:
    """The motion of each frame, a similarity ``(2, 3)`` about the frame's middle."""
    side, (width, height) = min(size), size
    steps = rng.normal(size=(frames + 12, 4)).astype(np.float32)
    shake: NDArray[Any] = cv2.GaussianBlur(steps, (1, 0), sigmaX=0.1, sigmaY=_SHAKE_SMOOTHING)[6 : frames + 6]
    shake = shake / max(float(steps.std()) * 0.4, 1e-6)  # smoothing leaves about 0.4 of the spread
    phase = rng.uniform(0, 2 * np.pi, 2)
    paths = []
    for number, (dx, dy, turn, scale) in enumerate(shake):
        sway = _SWAY * side * np.sin(2 * np.pi * number / _SWAY_FRAMES * np.array([1, 0.7]) + phase)
        angle, factor = _SHAKE_TURN * turn, 1 + _SHAKE_SCALE * scale
        moved = sway + _SHAKE * side * np.array([dx, dy])
        linear = factor * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        centre = np.array([width / 2, height / 2])
        paths.append(np.column_stack([linear, centre - linear @ centre + moved]))
    return paths


def _on_scene(
    scene: NDArray[np.uint8], face: NDArray[np.uint8], matrix: NDArray[np.float64], path: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """The portrait before the wall; both move with the camera."""
    height, width = scene.shape[0] * 2 // 3, scene.shape[1] * 2 // 3
    to_frame = path.copy()
    to_frame[:, 2] -= path[:, :2] @ (width / 4, height / 4)
    frame = cv2.warpAffine(scene, to_frame, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.warpAffine(np.ones(face.shape[:2], np.float32), matrix, (width, height), flags=cv2.INTER_LINEAR)
    shown = cv2.warpAffine(face, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    mixed = to_float(np.asarray(frame, np.uint8)) * (1 - cover[..., None])
    return to_uint8(mixed + to_float(np.asarray(shown, np.uint8)) * cover[..., None])


def _with_open_mouth(portrait: NDArray[np.uint8], landmarks: NDArray[np.float32], opening: float) -> NDArray[np.uint8]:
    """The portrait with the lower lip drawn down by a part of the mouth's width."""
    left, right = landmarks[3].astype(np.float64), landmarks[4].astype(np.float64)
    upright = similarity(np.stack([left, right]), np.array([[-0.5, 0.0], [0.5, 0.0]]))
    rows, columns = np.mgrid[: portrait.shape[0], : portrait.shape[1]]
    x, y = np.moveaxis(transform(upright, np.stack([columns, rows], axis=-1).reshape(-1, 2)), -1, 0)
    weight = np.exp(-((x / 0.45) ** 2) - ((y - 0.25) / 0.3) ** 2).reshape(portrait.shape[:2])
    back = np.linalg.inv(upright[:, :2]) @ np.array([0.0, opening])
    maps = [(grid - back[axis] * weight).astype(np.float32) for axis, grid in enumerate((columns, rows))]
    return np.asarray(cv2.remap(portrait, maps[0], maps[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8)
