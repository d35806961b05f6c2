"""The test conditions of the paper: how a sharp face becomes the blurred one that is scored (SPEC 10).

A protocol is a value: two runs of one protocol, on any machine and in any order, see the same pixels for the
same face number. Training validates on the same pairs that evaluation scores, but must never draw its own
kernels from :data:`TEST_KERNEL_SEEDS`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snadnet.blur import add_noise
from snadnet.data.blurs import LinearBlur, RotatingBlur, TrajectoryBlur
from snadnet.data.image_folder import FaceFile, read_face, read_labels
from snadnet.data.unaligned import UnalignedView
from snadnet.errors import DataError

TEST_KERNEL_SEEDS: Final = range(2_000_000_000, 2_000_002_500)
"""The seeds of the 2,500 test kernels (SPEC 10)."""

TRAINING_KERNEL_SEEDS: Final = range(2_000_000_000)
"""The seeds that training may draw kernels from: disjoint from the test kernels'."""


@dataclass(frozen=True)
class Protocol:
    """How sharp faces are blurred for a test.

    Attributes:
        name: Its name in tables and on command lines.
        size: Side of the square picture in pixels.
        blur: The family of kernels; None leaves the face sharp.
        noise_sigma: Standard deviation of the Gaussian noise added after blurring, of the range [0, 1].
        seed: Where the seeds start: face ``index`` has ``seed + index`` for its noise and for its view.
        view: How an unaligned picture is cut from a larger one; None takes aligned square faces as they are.
    """

    name: str
    size: int
    blur: LinearBlur | TrajectoryBlur | RotatingBlur | None
    noise_sigma: float
    seed: int
    view: UnalignedView | None = None

    @property
    def aligned(self) -> bool:
        """Whether the faces are where aligned crops have them."""
        return self.view is None

    def __str__(self) -> str:
        view = "" if self.view is None else f"{self.view}, "
        blur = "no blur" if self.blur is None else str(self.blur)
        noise = f"noise sigma {self.noise_sigma:g}" if self.noise_sigma else "no noise"
        return f"{self.name}: {view}{self.size} px, {blur}, {noise}, seed {self.seed}"


_PATHS: Final = TrajectoryBlur(sizes=tuple(range(13, 30, 2)), seeds=TEST_KERNEL_SEEDS)

CELEBA: Final = Protocol(
    name="celeba",
    size=160,
    blur=_PATHS,
    noise_sigma=0.03,
    seed=3_000_000_000,
)
"""The paper's CelebA protocol: camera-trajectory kernels, odd sizes 13 to 29, with noise."""

CELEBA_HQ: Final = Protocol(name="celeba-hq", size=256, blur=LinearBlur(length=25, angle=45), noise_sigma=0.0, seed=0)
"""The paper's CelebA-HQ protocol: one linear kernel, no noise."""

SHARP: Final = Protocol(name="sharp", size=256, blur=None, noise_sigma=0.0, seed=0)
"""No blur at all: what a method does to a face that was sharp already."""

ROTATING: Final = Protocol(
    name="rotating", size=160, blur=RotatingBlur(_PATHS, rotation=3.0), noise_sigma=0.03, seed=3_000_000_000
)
"""The CelebA protocol with a camera that also rotates about its axis (SPEC 10); the paper has no such test."""

MSPL: Final = Protocol(
    name="mspl",
    size=128,
    blur=TrajectoryBlur(sizes=tuple(range(13, 28, 2)), seeds=TEST_KERNEL_SEEDS),
    noise_sigma=0.0,
    seed=4_000_000_000,
    view=UnalignedView(),
)
"""Unaligned faces as in MSPL-Random (Lee, Jung and Heo, IEEE Access 8, 2020): 128 px, kernels of 13 to 27 px, no noise.

The published set has 80 pictures each of CelebA, CelebA-HQ and FFHQ under 80 kernels each. These are other kernels (the
trajectories of SPEC 10), one for each picture, and other views: how the published ones were drawn is not told.
"""

PROTOCOLS: Final = {protocol.name: protocol for protocol in (CELEBA, CELEBA_HQ, SHARP, ROTATING, MSPL)}
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
    picture, name = _picture(image)
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

    The face is scaled, or its unaligned view is cut, and it is blurred (borders by reflection), made noisy, clipped
    and rounded to 8 bits, in this order.

    Args:
        image: A picture file, or an RGB array (H, W, 3) of uint8; square and at least ``protocol.size`` px, or, for
            a protocol of unaligned pictures, of any shape that holds its view.
        protocol: How to blur it.
        index: The number of the face in its test set, from 0: it settles the view, the kernel and the noise.

    Returns:
        ``(blurred, sharp)``, each (size, size, 3), RGB, float32 in [0, 1], multiples of 1/255.

    Raises:
        DataError: As for :func:`sharp_face`.
    """
    if protocol.view is None:
        sharp = sharp_face(image, protocol.size)
    else:
        picture, name = _picture(image)
        matrix = protocol.view.matrix(picture.size, protocol.size, seed=protocol.seed + index, name=name)
        sharp = protocol.view.cut(np.asarray(picture), matrix, protocol.size)
    if protocol.blur is None and not protocol.noise_sigma:
        return sharp.copy(), sharp
    blurred = sharp
    if protocol.blur is not None:
        blurred = protocol.blur.apply(blurred, index)
    return recorded(blurred, protocol, index), sharp


def recorded(blurred: NDArray[np.float32], protocol: Protocol, index: int) -> NDArray[np.float32]:
    """What a protocol's camera makes of a blurred face (H, W, 3) in [0, 1]: noise, clipping, rounding to 8 bits."""
    if protocol.noise_sigma:
        blurred = add_noise(blurred, protocol.noise_sigma, protocol.seed + index)
    rounded: NDArray[np.float32] = np.rint(np.clip(blurred, 0.0, 1.0) * 255.0).astype(np.float32) / np.float32(255.0)
    return rounded


def sharp_labels(face: FaceFile, protocol: Protocol, index: int) -> NDArray[np.uint8] | None:
    """The label map that belongs to the sharp picture of :func:`blurred_pair`.

    Args:
        face: A picture file, with its label map if it has one.
        protocol: As there.
        index: As there.

    Returns:
        (size, size) class ids, each pixel with the nearest one's; None if the face has no label map.

    Raises:
        DataError: The label map cannot be read, or does not fit its picture.
    """
    if face.labels is None:
        return None
    labels = read_labels(face.labels)
    height, width = labels.shape
    if protocol.view is None:
        if height != width:
            raise DataError(f"{face.labels}: is not square as its face is; replace it")
        return np.asarray(cv2.resize(labels, (protocol.size, protocol.size), interpolation=cv2.INTER_NEAREST), np.uint8)
    picture, name = _picture(face.image)
    if picture.size != (width, height):
        raise DataError(f"{face.labels}: is {width} x {height}, not the size of {face.image.name}; replace it")
    matrix = protocol.view.matrix(picture.size, protocol.size, seed=protocol.seed + index, name=name)
    return protocol.view.cut_labels(labels, matrix, protocol.size)


def _picture(image: Path | str | NDArray[np.uint8]) -> tuple[Image.Image, str]:
    """The picture, RGB, and what to call it in errors."""
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8:
            raise DataError(f"the face array has dtype {image.dtype}: give uint8 RGB of shape (H, W, 3)")
        return Image.fromarray(image), "the face array"
    return Image.fromarray(read_face(Path(image))), str(image)
