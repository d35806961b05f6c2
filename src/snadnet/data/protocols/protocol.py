"""A protocol: how a sharp face becomes the blurred one that is scored.

A protocol is a value: two runs of one protocol, on any machine and in any order, see the same pixels for the
same face number. Training validates on the same pairs that evaluation scores, but must never draw its own
kernels from `TEST_KERNEL_SEEDS`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snadnet.blur import add_noise
from snadnet.data.blurs import LinearBlur, PhotoBlur, RotatingBlur, TrajectoryBlur
from snadnet.data.image_folder import FaceFile, read_face, read_labels
from snadnet.data.unaligned import UnalignedView
from snadnet.errors import DataError
from snadnet.image_arrays import round_to_8_bits, to_float

TEST_KERNEL_SEEDS: Final = range(2_000_000_000, 2_000_002_500)
"""The seeds of the 2,500 test kernels."""

TRAINING_KERNEL_SEEDS: Final = range(2_000_000_000)
"""The seeds that training may draw kernels from: disjoint from the test kernels'."""


@dataclass(frozen=True)
class Protocol:
    """A test condition: how sharp faces are cut, blurred and made noisy.

    Attributes:
        name: Its name in tables and on command lines.
        size: Side of the square image in pixels.
        blur: The family of kernels; None leaves the face sharp.
        noise_sigma: Standard deviation of the Gaussian noise added after blurring, of the range [0, 1].
        seed: Where the seeds start: face ``index`` has ``seed + index`` for its noise and for its view.
        view: How an unaligned image is cut from a larger one; None takes aligned square faces as they are.
    """

    name: str
    size: int
    blur: LinearBlur | TrajectoryBlur | RotatingBlur | PhotoBlur | None
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


def sharp_face(source: Path | str | NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """A face at the size that a protocol works at, as an 8-bit file would hold it.

    Images are scaled down by Pillow's Lanczos filter, which widens with the factor and so does not alias;
    it is the filter by which FFHQ itself was made. Scaling up is refused: a face with made-up pixels is no
    sharp reference.

    Args:
        source: An image file, or an RGB array (H, W, 3) of uint8; square, at least ``size`` px.
        size: Side of the result in pixels.

    Returns:
        (size, size, 3), RGB, float32 in [0, 1], every value a multiple of 1/255.

    Raises:
        DataError: If the file cannot be read, or the image is not square or is too small.
    """
    image, name = _opened(source)
    if image.width != image.height:
        raise DataError(f"{name} is {image.width} x {image.height}: give square, aligned face crops")
    if image.width < size:
        raise DataError(f"{name} is {image.width} px wide: give face crops of at least {size} px")
    if image.width > size:
        image = image.resize((size, size), Image.Resampling.LANCZOS)
    return to_float(np.asarray(image))


def blurred_pair(
    source: Path | str | NDArray[np.uint8], protocol: Protocol, index: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The blurred input and the sharp target of face number ``index`` under a protocol.

    The face is scaled, or its unaligned view is cut, and it is blurred (borders by reflection), made noisy, clipped
    and rounded to 8 bits, in this order.

    Args:
        source: An image file, or an RGB array (H, W, 3) of uint8; square and at least ``protocol.size`` px, or, for
            a protocol of unaligned images, of any shape that holds its view.
        protocol: How to blur it.
        index: The number of the face in its test set, from 0: it determines the view, the kernel and the noise.

    Returns:
        ``(blurred, sharp)``, each (size, size, 3), RGB, float32 in [0, 1], multiples of 1/255.

    Raises:
        DataError: If `sharp_face` would raise it.
    """
    if protocol.view is None:
        sharp = sharp_face(source, protocol.size)
    else:
        image, name = _opened(source)
        matrix = protocol.view.matrix(image.size, protocol.size, seed=protocol.seed + index, name=name)
        sharp = protocol.view.cut(np.asarray(image), matrix, protocol.size)
    if protocol.blur is None and not protocol.noise_sigma:
        return sharp.copy(), sharp
    blurred = sharp
    if protocol.blur is not None:
        blurred = protocol.blur.apply(blurred, index)
    return recorded(blurred, protocol, index), sharp


def recorded(blurred: NDArray[np.float32], protocol: Protocol, index: int) -> NDArray[np.float32]:
    """Add a protocol's noise to a blurred face (H, W, 3) in [0, 1], clip it and round it to 8 bits."""
    if protocol.noise_sigma:
        blurred = add_noise(blurred, protocol.noise_sigma, protocol.seed + index)
    return round_to_8_bits(blurred)


def sharp_labels(face: FaceFile, protocol: Protocol, index: int) -> NDArray[np.uint8] | None:
    """The label map that belongs to the sharp image of `blurred_pair`.

    Args:
        face: An image file, with its label map if it has one.
        protocol: As there.
        index: As there.

    Returns:
        (size, size) class ids, each pixel with the nearest one's; None if the face has no label map.

    Raises:
        DataError: If the label map cannot be read, or does not fit its image.
    """
    if face.labels is None:
        return None
    labels = read_labels(face.labels)
    height, width = labels.shape
    if protocol.view is None:
        if height != width:
            raise DataError(f"{face.labels}: is not square as its face is; replace it")
        return np.asarray(cv2.resize(labels, (protocol.size, protocol.size), interpolation=cv2.INTER_NEAREST), np.uint8)
    image, name = _opened(face.image)
    if image.size != (width, height):
        raise DataError(f"{face.labels}: is {width} x {height}, not the size of {face.image.name}; replace it")
    matrix = protocol.view.matrix(image.size, protocol.size, seed=protocol.seed + index, name=name)
    return protocol.view.cut_labels(labels, matrix, protocol.size)


def _opened(source: Path | str | NDArray[np.uint8]) -> tuple[Image.Image, str]:
    """The image, RGB, and what to call it in errors."""
    if isinstance(source, np.ndarray):
        if source.dtype != np.uint8:
            raise DataError(f"the face array has dtype {source.dtype}: give uint8 RGB of shape (H, W, 3)")
        return Image.fromarray(source), "the face array"
    return Image.fromarray(read_face(Path(source))), str(source)
