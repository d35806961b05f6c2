"""Camera-shake kernels from random trajectories, after Boracchi and Foi, IEEE TIP 21(8), 2012."""

import math
import operator
from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

# The process has the published proportions: 2,000 samples of a path of 60 px. The length matters although
# every path is rescaled to its kernel, because the centripetal pull grows with the distance in these pixels.
SAMPLES = 2000
_STEP = 60.0 / (SAMPLES - 1)
_MAX_CENTRIPETAL = 0.7
_MAX_SHAKE_RATE = 0.2
_MAX_PERTURBATION = 10.0

ANXIETY: Final = 0.005
"""Strength of a path's disturbances, unless another is asked for."""

Placement: TypeAlias = Literal["fill", "canvas"]

_CANVASES: Final = (13, 21, 29)
_CANVAS_RADII: Final = (2.0, 2.9, 3.5)
_PATH_RADIUS: Final = 6.5

# Walks advanced side by side: enough to hide the cost of the time loop, and about 50 MB of memory.
_CHUNK = 512


def trajectory_kernel(
    size: int,
    *,
    exposure: float = 1.0,
    anxiety: float = ANXIETY,
    seed: "int | np.random.Generator | None" = None,
) -> NDArray[np.float32]:
    """Return one camera-shake kernel; the first of `trajectory_kernels` for that seed.

    Args:
        size: Side of the kernel in pixels, odd.
        exposure: Fraction of the trajectory that is integrated, in (0, 1].
        anxiety: Strength of all disturbances; 0 gives a straight line, 0.005 is usual.
        seed: A number, a generator (which is advanced), or None for a kernel that cannot be repeated.

    Returns:
        ``(size, size)`` float32, non-negative, sum 1.

    Raises:
        ValueError: If an argument is out of its range.
    """
    return trajectory_kernels([size], exposures=exposure, anxiety=anxiety, seed=seed)[0]


def trajectory_kernels(
    sizes: Sequence[int],
    *,
    exposures: Sequence[float] | float = 1.0,
    anxiety: float = ANXIETY,
    seed: "int | np.random.Generator | None",
) -> list[NDArray[np.float32]]:
    """Return one camera-shake kernel for each of ``sizes``.

    *Path.* A particle keeps a constant speed and turns under three disturbances, each with a strength
    drawn once per path: a Gaussian perturbation, a pull back to where it started, and rare impulses that
    nearly reverse it (one per path on average at the usual strength). Its 2,000 samples are spread
    bilinearly over the pixels.

    *Place.* The centre of mass of the exposed path lies at the kernel's centre. Off-centre mass would shift
    the image, which no restoration can undo from the blurred image alone and which PSNR punishes: with
    kernels of 13 to 29 px centred by their bounding boxes, that shift by itself held 160 px faces at 24 dB.

    *Scale.* The point of the whole path that is furthest from its centre of mass, along either axis,
    touches the border, so ``size`` tells the strength of the blur and no mass is lost. The longer side of
    the path then spans 91 % of ``size - 1`` on average (never less than half). A shorter exposure
    integrates the first part of the same path at the same scale, and so covers less; should its mass lie so
    far off that centring it would push it over the border, it is centred as far as the border allows.

    Kernel ``i`` depends on ``seed``, ``i`` and its own arguments only, bit for bit, not on how many are made.

    Args:
        sizes: Side of each kernel in pixels, odd.
        exposures: Fraction of the trajectory that is integrated, in (0, 1]: one for all, or one each.
        anxiety: Strength of all disturbances; 0 gives straight lines, 0.005 is usual.
        seed: A number, a generator (which is advanced by one draw), or None for kernels that cannot be
            repeated.

    Returns:
        A list of ``(size, size)`` float32 arrays, non-negative, each with sum 1.

    Raises:
        ValueError: If an argument is out of its range, or ``exposures`` has another length than ``sizes``.
    """
    checked_sizes = [check_kernel_size(size) for size in sizes]
    given = np.asarray(exposures, dtype=np.float64)
    per_kernel: list[float] = [float(given)] * len(checked_sizes) if given.ndim == 0 else given.tolist()
    if len(per_kernel) != len(checked_sizes):
        raise ValueError(f"{len(per_kernel)} exposures were given for {len(checked_sizes)} kernels")
    for exposure in per_kernel:
        check_exposure(exposure)
    return _kernels(path_generators(seed, len(checked_sizes)), checked_sizes, per_kernel, anxiety)


def trajectory_kernels_of_seeds(
    sizes: Sequence[int],
    seeds: Sequence[int],
    *,
    exposure: float = 1.0,
    anxiety: float = ANXIETY,
    placement: Placement = "fill",
) -> list[NDArray[np.float32]]:
    """Return what `trajectory_kernel` gives for each of ``sizes`` and ``seeds``, many times faster.

    Args:
        sizes: As for `trajectory_kernels`.
        seeds: One for each kernel.
        exposure: As for `trajectory_kernels`.
        anxiety: As for `trajectory_kernels`.
        placement: ``fill`` stretches and centres each path as `trajectory_kernels` says; ``canvas`` draws it as
            `place_on_canvas` says.

    Raises:
        ValueError: If an argument is out of its range, or there are not as many seeds as sizes.
    """
    if len(seeds) != len(sizes):
        raise ValueError(f"{len(seeds)} seeds were given for {len(sizes)} kernels")
    check_exposure(exposure)
    generators = [path_generators(seed, 1)[0] for seed in seeds]
    checked = [check_kernel_size(size) for size in sizes]
    return _kernels(generators, checked, [exposure] * len(sizes), anxiety, placement)


def check_kernel_size(size: int) -> int:
    """Return ``size`` as an int; raise ValueError unless it is odd and positive."""
    try:
        whole = operator.index(size)
    except TypeError:
        raise ValueError(f"size must be a whole number of pixels, not {size!r}") from None
    if whole < 1 or whole % 2 == 0:
        raise ValueError(f"size must be odd and at least 1, not {whole}")
    return whole


def check_exposure(exposure: float) -> None:
    """Raise ValueError unless ``exposure`` lies in (0, 1]."""
    if not 0 < exposure <= 1:
        raise ValueError(f"exposure must lie in (0, 1], not {exposure}")


def path_generators(seed: "int | np.random.Generator | None", count: int) -> "list[np.random.Generator]":
    """Return ``count`` independent generators; generator ``i`` depends on ``seed`` and ``i`` only."""
    if isinstance(seed, np.random.Generator):
        seed = int(seed.integers(2**63))
    root = np.random.SeedSequence(seed)
    return [np.random.Generator(np.random.SFC64(child)) for child in root.spawn(count)]


def camera_paths(generators: "Sequence[np.random.Generator]", anxiety: float) -> Iterator[NDArray[np.float64]]:
    """Walk one path for each generator, many at the same time.

    Only additions, products, quotients and square roots act across paths: these are correctly rounded
    whatever the array's length, so a path is bit-identical however many are walked beside it.

    Args:
        generators: One for each path.
        anxiety: Strength of all disturbances.

    Yields:
        ``(2, SAMPLES)`` positions as (x, y), from the origin, in units of the process; for each generator in turn.

    Raises:
        ValueError: If ``anxiety`` is negative or not finite.
    """
    for start in range(0, len(generators), _CHUNK):
        yield from _walk(generators[start : start + _CHUNK], anxiety)


def _walk(generators: "Sequence[np.random.Generator]", anxiety: float) -> NDArray[np.float64]:
    """Walk all paths side by side; ``(len(generators), 2, SAMPLES)``."""
    if not (math.isfinite(anxiety) and anxiety >= 0):
        raise ValueError(f"anxiety must be a finite number of at least 0, not {anxiety}")
    count, steps = len(generators), SAMPLES - 1
    pull = np.empty(count)
    velocity_x, velocity_y = np.empty(count), np.empty(count)
    # An impulse turns and scales the velocity: v becomes v * (turn_re + i turn_im). Elsewhere that is 1.
    turn_re, turn_im = np.empty((steps, count)), np.empty((steps, count))
    push_x, push_y = np.empty((steps, count)), np.empty((steps, count))
    for i, generator in enumerate(generators):
        draws = generator.random(4)
        pull[i] = draws[0] * _MAX_CENTRIPETAL * anxiety * _STEP
        shake_rate = draws[1] * _MAX_SHAKE_RATE * anxiety
        perturbation = draws[2] * _MAX_PERTURBATION * anxiety * _STEP
        direction = draws[3] * 2 * math.pi
        velocity_x[i], velocity_y[i] = _STEP * math.cos(direction), _STEP * math.sin(direction)
        shaken = generator.random(steps) < shake_rate
        # The impulse is twice the velocity, reversed and turned by up to half a radian to either side.
        bend = generator.random(steps) - 0.5
        turn_re[:, i] = 1 - 2 * np.cos(bend) * shaken
        turn_im[:, i] = -2 * np.sin(bend) * shaken
        push_x[:, i], push_y[:, i] = perturbation * generator.standard_normal((2, steps))

    x, y = np.zeros((SAMPLES, count)), np.zeros((SAMPLES, count))
    for t in range(steps):
        next_x = turn_re[t] * velocity_x - turn_im[t] * velocity_y + push_x[t] - pull * x[t]
        next_y = turn_im[t] * velocity_x + turn_re[t] * velocity_y + push_y[t] - pull * y[t]
        to_constant_speed = _STEP / np.sqrt(next_x * next_x + next_y * next_y)
        velocity_x, velocity_y = next_x * to_constant_speed, next_y * to_constant_speed
        np.add(x[t], velocity_x, out=x[t + 1])
        np.add(y[t], velocity_y, out=y[t + 1])
    return np.ascontiguousarray(np.stack([x, y]).transpose(2, 0, 1))


def place_path(
    path: NDArray[np.float64], size: int, exposure: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scale and place a path in a kernel as `trajectory_kernels` says.

    Args:
        path: ``(2, SAMPLES)`` positions as (x, y).
        size: Side of the kernel in pixels, odd.
        exposure: Fraction of the path that is integrated, in (0, 1].

    Returns:
        The exposed samples' positions ``(2, n)`` in kernel pixels, all within ``[0, size - 1]``, and their
        weights ``(n,)`` with sum 1. The last sample counts by the part of it that is exposed.
    """
    around_mean = path - path.mean(axis=1, keepdims=True)
    scale = (size - 1) / 2 / np.abs(around_mean).max()
    exposed = exposure * SAMPLES
    count = math.ceil(exposed)
    weights = np.ones(count)
    weights[-1] = exposed - (count - 1)
    weights /= weights.sum()
    placed = around_mean[:, :count] * scale
    lowest, highest = placed.min(axis=1), placed.max(axis=1)
    to_centre = (size - 1) / 2 - (placed * weights).sum(axis=1)
    shift = np.clip(to_centre, -lowest, size - 1 - highest)
    # The second clip removes what rounding leaves outside, about 1e-15 px.
    return np.clip(placed + shift[:, None], 0, size - 1), weights


def place_on_canvas(
    path: NDArray[np.float64], size: int, exposure: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Place a path on a canvas without stretching it to the border: the other reading of a kernel's size.

    Programs in use draw the published path on a canvas of the size that is asked for. How far such a path spreads was
    measured on one of them: 2.0, 2.9 and 3.5 px root mean square from its mean on canvases of 13, 21 and 29 px, on
    average. Here all paths are scaled by that average (between those sizes along a line), so that some are longer and
    some shorter. The middle of what is exposed, by its bounding box, lies in the middle of the canvas, so that the
    centre of mass does not; what reaches beyond the canvas is cut off.

    Args:
        path: As for `place_path`.
        size: As for `place_path`.
        exposure: As for `place_path`.

    Returns:
        Positions and weights, as `place_path` does.
    """
    scale = np.interp(size, _CANVASES, _CANVAS_RADII) / _PATH_RADIUS
    count = max(1, round(exposure * SAMPLES))
    placed = path[:, :count] * scale
    placed = placed - (placed.min(axis=1, keepdims=True) + placed.max(axis=1, keepdims=True) - (size - 1)) / 2
    placed = placed[:, ((placed >= 0) & (placed <= size - 1)).all(axis=0)]
    return placed, np.full(placed.shape[1], 1 / placed.shape[1])


def path_kernel(path: NDArray[np.float64], size: int, exposure: float) -> NDArray[np.float32]:
    """Return the kernel ``(size, size)`` of a path ``(2, SAMPLES)``, placed as by `place_path`."""
    placed, weights = place_path(path, size, exposure)
    return splat(placed, weights, size)


def _kernels(
    generators: "Sequence[np.random.Generator]",
    sizes: Sequence[int],
    exposures: Sequence[float],
    anxiety: float,
    placement: Placement = "fill",
) -> list[NDArray[np.float32]]:
    place = place_path if placement == "fill" else place_on_canvas
    paths = camera_paths(generators, anxiety)
    placed = ((place(path, size, exposure), size) for path, size, exposure in zip(paths, sizes, exposures, strict=True))
    return [splat(*positions_and_weights, size) for positions_and_weights, size in placed]


def splat(placed: NDArray[np.float64], weights: NDArray[np.float64], size: int) -> NDArray[np.float32]:
    """Spread each weight bilinearly over the four pixels around its position; ``(size, size)``, sum 1.

    Args:
        placed: Columns and rows ``(2, N)``, in ``[0, size - 1]``.
        weights: ``(N,)``.
        size: Rows and columns of what is returned.
    """
    left, top = np.floor(placed)
    right_part, bottom_part = placed[0] - left, placed[1] - top
    # A sample exactly on the last column has no right part; its neighbour index only has to stay inside.
    right, bottom = np.minimum(left + 1, size - 1), np.minimum(top + 1, size - 1)
    pixels = np.concatenate(
        [top * size + left, top * size + right, bottom * size + left, bottom * size + right]
    ).astype(np.intp)
    shares = np.concatenate(
        [
            weights * (1 - bottom_part) * (1 - right_part),
            weights * (1 - bottom_part) * right_part,
            weights * bottom_part * (1 - right_part),
            weights * bottom_part * right_part,
        ]
    )
    kernel = np.bincount(pixels, shares, minlength=size * size).reshape(size, size)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)
