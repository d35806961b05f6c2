"""The test conditions of the paper: how a sharp face becomes the blurred one that is scored (SPEC 10).

A protocol is a value: two runs of one protocol, on any machine and in any order, see the same pixels for the
same face number. Training validates on the same pairs that evaluation scores, but must never draw its own
kernels from :data:`TEST_KERNEL_SEEDS`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from snadnet.blur import add_noise, apply_kernel, linear_kernel, trajectory_kernel, trajectory_kernels_of_seeds
from snadnet.errors import DataError

TEST_KERNEL_SEEDS: Final = range(2_000_000_000, 2_000_002_500)
"""The seeds of the 2,500 test kernels (SPEC 10)."""

TRAINING_KERNEL_SEEDS: Final = range(2_000_000_000)
"""The seeds that training may draw kernels from: disjoint from the test kernels'."""


@dataclass(frozen=True)
class LinearBlur:
    """The same straight motion for every face.

    Attributes:
        length: Length of the motion in pixels.
        angle: Its direction in degrees.
    """

    length: float
    angle: float

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
    """

    sizes: tuple[int, ...]
    seeds: range
    exposure: float = 1.0

    def kernel(self, index: int) -> NDArray[np.float32]:
        """The kernel of face ``index``: (size, size), sum 1."""
        seed = self.seeds[index % len(self.seeds)]
        return trajectory_kernel(self.kernel_size(index), exposure=self.exposure, seed=seed)

    def bank(self) -> list[NDArray[np.float32]]:
        """All kernels: :meth:`kernel` of each index once, much faster than one by one."""
        sizes = [self.kernel_size(index) for index in range(len(self.seeds))]
        return trajectory_kernels_of_seeds(sizes, self.seeds, exposure=self.exposure)

    def kernel_size(self, index: int) -> int:
        """The size of the kernel of face ``index`` in pixels."""
        return self.sizes[index % len(self.seeds) % len(self.sizes)]

    def __str__(self) -> str:
        return (
            f"{len(self.seeds)} trajectory kernels of {self.sizes[0]} to {self.sizes[-1]} px "
            f"(seeds {self.seeds[0]} to {self.seeds[-1]}, exposure {self.exposure:g})"
        )


@dataclass(frozen=True)
class Protocol:
    """How sharp faces are blurred for a test.

    Attributes:
        name: Its name in tables and on command lines.
        size: Side of the square picture in pixels.
        blur: The family of kernels; None leaves the face sharp.
        noise_sigma: Standard deviation of the Gaussian noise added after blurring, of the range [0, 1].
        seed: Where the noise seeds start: face ``index`` has noise seed ``seed + index``.
    """

    name: str
    size: int
    blur: LinearBlur | TrajectoryBlur | None
    noise_sigma: float
    seed: int

    def __str__(self) -> str:
        blur = "no blur" if self.blur is None else str(self.blur)
        noise = f"noise sigma {self.noise_sigma:g}" if self.noise_sigma else "no noise"
        return f"{self.name}: {self.size} px, {blur}, {noise}, seed {self.seed}"


CELEBA: Final = Protocol(
    name="celeba",
    size=160,
    blur=TrajectoryBlur(sizes=tuple(range(13, 30, 2)), seeds=TEST_KERNEL_SEEDS),
    noise_sigma=0.03,
    seed=3_000_000_000,
)
"""The paper's CelebA protocol: camera-trajectory kernels, odd sizes 13 to 29, with noise."""

CELEBA_HQ: Final = Protocol(name="celeba-hq", size=256, blur=LinearBlur(length=25, angle=45), noise_sigma=0.0, seed=0)
"""The paper's CelebA-HQ protocol: one linear kernel, no noise."""

SHARP: Final = Protocol(name="sharp", size=256, blur=None, noise_sigma=0.0, seed=0)
"""No blur at all: what a method does to a face that was sharp already."""

PROTOCOLS: Final = {protocol.name: protocol for protocol in (CELEBA, CELEBA_HQ, SHARP)}
"""The protocols by name."""


def sharp_face(image: Path | str | NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """A face at the size that a protocol works at, as an 8-bit file would hold it.

    Pictures are scaled down by Pillow's Lanczos filter, which widens with the factor and so does not alias;
    it is the filter by which FFHQ itself was made. Scaling up is refused: a face with made-up pixels is no
    sharp reference.

    Args:
        image: A picture file, or an RGB array (H, W, 3) of uint8; square, at least ``size`` px.
        size: Side of the result in pixels.

    Returns:
        (size, size, 3), RGB, float32 in [0, 1], every value a multiple of 1/255.

    Raises:
        DataError: The file cannot be read, or the picture is not square or is too small.
    """
    if isinstance(image, np.ndarray):
        name = "the face array"
        if image.dtype != np.uint8:
            raise DataError(f"{name} has dtype {image.dtype}: give uint8 RGB of shape (H, W, 3)")
        picture = Image.fromarray(image)
    else:
        name = str(image)
        try:
            with Image.open(image) as opened:
                picture = opened.convert("RGB")
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise DataError(f"{name}: cannot be read as a picture ({error}); remove or replace it") from error
    if picture.width != picture.height:
        raise DataError(f"{name} is {picture.width} x {picture.height}: give square, aligned face crops")
    if picture.width < size:
        raise DataError(f"{name} is {picture.width} px wide: give face crops of at least {size} px")
    if picture.width > size:
        picture = picture.resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(picture, dtype=np.float32) / np.float32(255.0)


def blurred_pair(
    image: Path | str | NDArray[np.uint8], protocol: Protocol, index: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The blurred input and the sharp target of face number ``index`` under a protocol.

    The face is scaled, blurred (borders by reflection), made noisy, clipped and rounded to 8 bits, in this
    order.

    Args:
        image: A picture file, or an RGB array (H, W, 3) of uint8; square, at least ``protocol.size`` px.
        protocol: How to blur it.
        index: The number of the face in its test set, from 0: it settles the kernel and the noise.

    Returns:
        ``(blurred, sharp)``, each (size, size, 3), RGB, float32 in [0, 1], multiples of 1/255.

    Raises:
        DataError: As for :func:`sharp_face`.
    """
    sharp = sharp_face(image, protocol.size)
    if protocol.blur is None and not protocol.noise_sigma:
        return sharp.copy(), sharp
    blurred = sharp
    if protocol.blur is not None:
        blurred = apply_kernel(blurred, protocol.blur.kernel(index), border="reflect")
    if protocol.noise_sigma:
        blurred = add_noise(blurred, protocol.noise_sigma, protocol.seed + index)
    return np.rint(np.clip(blurred, 0.0, 1.0) * 255.0).astype(np.float32) / np.float32(255.0), sharp
