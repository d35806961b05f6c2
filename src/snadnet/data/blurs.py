"""The blurs of the test protocols: each face's depends on its number."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snadnet.blur import (
    Placement,
    apply_kernel,
    disc_kernel,
    linear_kernel,
    rotating_blur,
    trajectory_kernels_of_seeds,
)
from snadnet.data.camera import draw_gain, expose, unclip_highlights

# Kernels made together: a block takes little more than twice as long as one by itself (0.04 s on a 2.5 GHz core).
_BLOCK: Final = 64


@dataclass(frozen=True)
class LinearBlur:
    """The same straight motion for every face.

    Attributes:
        length: Length of the motion in pixels.
        angle: Its direction in degrees.
    """

    length: float
    angle: float

    def apply(self, sharp: NDArray[np.float32], index: int) -> NDArray[np.float32]:
        """Blur face ``index``, (H, W, 3), borders by reflection."""
        return apply_kernel(sharp, self.kernel(index), border="reflect")

    def kernel(self, index: int) -> NDArray[np.float32]:
        """The kernel of face ``index``: (size, size), sum 1."""
        del index
        return linear_kernel(self.length, self.angle)

    def kernel_size(self, index: int) -> int:
        """The length of the motion, in whole pixels."""
        del index
        return round(self.length)

    def __str__(self) -> str:
        return f"linear kernel {self.length:g} px at {self.angle:g} degrees"


@dataclass(frozen=True)
class TrajectoryBlur:
    """A bank of camera-trajectory kernels; face ``index`` gets kernel ``index`` modulo the bank's length.

    Attributes:
        sizes: Kernel sizes in pixels, dealt out in turn so that each occurs equally often.
        seeds: One seed for each kernel of the bank.
        exposure: The part of the trajectory that is integrated, in (0, 1].
        placement: Whether paths fill their kernels or keep their own length on a canvas
            (`snadnet.blur.trajectory.place_on_canvas`).
    """

    sizes: tuple[int, ...]
    seeds: range
    exposure: float = 1.0
    placement: Placement = "fill"

    def apply(self, sharp: NDArray[np.float32], index: int) -> NDArray[np.float32]:
        """Blur face ``index``, (H, W, 3), borders by reflection."""
        return apply_kernel(sharp, self.kernel(index), border="reflect")

    def kernel(self, index: int) -> NDArray[np.float32]:
        """The kernel of face ``index``: (size, size), sum 1."""
        block, place = divmod(index % len(self.seeds), _BLOCK)
        return _kernels(self, block * _BLOCK)[place]

    def seed(self, index: int) -> int:
        """The seed of the kernel of face ``index``."""
        return self.seeds[index % len(self.seeds)]

    def bank(self) -> list[NDArray[np.float32]]:
        """All kernels: `kernel` of each index once."""
        return [self.kernel(index) for index in range(len(self.seeds))]

    def kernel_size(self, index: int) -> int:
        """The size of the kernel of face ``index`` in pixels."""
        return self.sizes[index % len(self.seeds) % len(self.sizes)]

    def __str__(self) -> str:
        return (
            f"{len(self.seeds)} trajectory kernels {'of' if self.placement == 'fill' else 'on canvases of'} "
            f"{self.sizes[0]} to {self.sizes[-1]} px "
            f"(seeds {self.seeds[0]} to {self.seeds[-1]}, exposure {self.exposure:g})"
        )


@dataclass(frozen=True)
class RotatingBlur:
    """The same camera paths, while the camera also turns about its axis: the blur varies over the image.

    Attributes:
        paths: The bank; face ``index`` gets the path of its kernel ``index``, and a second path for the angle.
        rotation: Largest turn from the mean in degrees.
    """

    paths: TrajectoryBlur
    rotation: float

    def apply(self, sharp: NDArray[np.float32], index: int) -> NDArray[np.float32]:
        """Blur face ``index``, (H, W, 3), borders by reflection."""
        return rotating_blur(
            sharp,
            self.kernel_size(index),
            max_rotation_degrees=self.rotation,
            exposure=self.paths.exposure,
            seed=self.paths.seed(index),
            border="reflect",
        )

    def kernel_size(self, index: int) -> int:
        """The size in pixels of what the path of face ``index`` makes of the image's centre."""
        return self.paths.kernel_size(index)

    def __str__(self) -> str:
        return f"{self.paths}, with the camera turned by up to {self.rotation:g} degrees"


class PhotoConditions(NamedTuple):
    """What the camera of one face was like.

    Attributes:
        gain: How much brighter highlights are than the image can hold (`snadnet.data.camera.unclip_highlights`).
        defocus: Radius of the disc of a lens out of focus in pixels; 0 for one in focus.
    """

    gain: float
    defocus: float


@dataclass(frozen=True)
class PhotoBlur:
    """What befalls photos: light is blurred and not the values of pixels, highlights clip, lenses are out of focus.

    Attributes:
        paths: The bank; face ``index`` gets its kernel ``index``.
        defocus: Range of the radius of the disc in pixels, of every second face.
    """

    paths: TrajectoryBlur
    defocus: tuple[float, float]

    def conditions(self, index: int) -> PhotoConditions:
        """What is drawn for face ``index``, by the seed of its path."""
        rng = np.random.default_rng(self.paths.seed(index))
        return PhotoConditions(draw_gain(rng), float(rng.uniform(*self.defocus)) if index % 2 else 0.0)

    def apply(self, sharp: NDArray[np.float32], index: int) -> NDArray[np.float32]:
        """Blur face ``index``, (H, W, 3) sRGB, borders by reflection."""
        light = unclip_highlights(sharp, self.conditions(index).gain)
        return expose(apply_kernel(light, self.kernel(index), border="reflect"))

    def kernel(self, index: int) -> NDArray[np.float32]:
        """The kernel of face ``index``, motion and defocus together: (size, size), sum 1."""
        return convolved_kernel(self.paths.kernel(index), disc_kernel(self.conditions(index).defocus))

    def kernel_size(self, index: int) -> int:
        """The size in pixels of the path of face ``index``."""
        return self.paths.kernel_size(index)

    def __str__(self) -> str:
        return (
            f"{self.paths}, in linear light with highlights that clip, every second face out of focus by "
            f"{self.defocus[0]:g} to {self.defocus[1]:g} px"
        )


def convolved_kernel(kernel: NDArray[np.float32], disc: NDArray[np.float32]) -> NDArray[np.float32]:
    """The kernel of two blurs, one after the other: its side is that of both together, less one."""
    both = apply_kernel(np.pad(kernel, len(disc) // 2)[..., None], disc, border="black")[..., 0]
    # Rounding leaves less than nothing where there is nothing.
    return np.maximum(both, 0.0)


@lru_cache(maxsize=128)
def _kernels(blur: TrajectoryBlur, start: int) -> tuple[NDArray[np.float32], ...]:
    """A block of a bank, read-only, as faces share it."""
    seeds = blur.seeds[start : start + _BLOCK]
    sizes = [blur.kernel_size(start + offset) for offset in range(len(seeds))]
    kernels = trajectory_kernels_of_seeds(sizes, seeds, exposure=blur.exposure, placement=blur.placement)
    for kernel in kernels:
        kernel.setflags(write=False)
    return tuple(kernels)
