"""Training samples of faces: each depends on its number alone, so that a stopped run goes on exactly."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from snadnet.data.degradation import Degradation, degrade, draw_border
from snadnet.data.image_folder import UNLABELLED, FaceFile, read_face, read_labels
from snadnet.errors import DataError
from snadnet.faces.classes import LEFT_RIGHT_PAIRS
from snadnet.image_arrays import channels_first, to_float

_LEAST_SIGMA = 1e-6  # of zero OpenCV asks for a size

_FLIPPED_CLASSES = np.arange(256, dtype=np.uint8)
for _left, _right in LEFT_RIGHT_PAIRS:
    _FLIPPED_CLASSES[[_left, _right]] = _right, _left


class Augmentation(BaseModel):
    """Random changes of the sharp face, the same for its labels.

    Attributes:
        flip: Probability of mirroring (left and right classes change places).
        affine: Probability of a small turn, zoom and shift.
        rotation: Largest turn in degrees.
        zoom: Largest zoom, as a factor either way.
        shift: Largest shift, as a share of the side.
        brightness: Largest change of brightness and contrast, as a share.
        softness: Largest standard deviation in pixels of a Gaussian that softens the face. A face of many
            pixels is less sharp in each of them than one that was reduced to few.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    flip: float = Field(0.5, ge=0, le=1)
    affine: float = Field(0.0, ge=0, le=1)
    rotation: float = Field(10.0, ge=0, le=180)
    zoom: float = Field(1.15, ge=1)
    shift: float = Field(0.04, ge=0, le=0.5)
    brightness: float = Field(0.0, ge=0, lt=1)
    softness: float = Field(0.0, ge=0, le=5)


class FaceSample(NamedTuple):
    """A batch of training faces.

    Attributes:
        blurred: ``(B, 3, S, S)`` float32 in ``[0, 1]``.
        sharp: Its sharp twin, the same shape.
        labels: ``(B, S, S)`` int64 class ids of the sharp face, 255 where unknown.
        kernels: ``(B, 2, 2, 49, 49)`` float32, what the middles of its quarters were blurred with.
    """

    blurred: Tensor
    sharp: Tensor
    labels: Tensor
    kernels: Tensor

    @property
    def kernel(self) -> Tensor:
        """The one kernel ``(B, 49, 49)`` that is nearest to all quarters' own."""
        return self.kernels.mean(dim=(-4, -3))


@dataclass(frozen=True)
class SampleKey:
    """Which sample to make: its running number in the whole training, and its size in pixels."""

    number: int
    size: int


class FaceDataset(Dataset[FaceSample]):
    """Faces, augmented and degraded on the fly. Sample ``k`` depends on the seed and on ``k`` alone.

    Every pass over the images is in another order, drawn from the seed and the pass's number.
    """

    def __init__(
        self, faces: Sequence[FaceFile], degradation: Degradation, augmentation: Augmentation, *, seed: int
    ) -> None:
        self.faces = list(faces)
        self.degradation = degradation
        self.augmentation = augmentation
        self.seed = seed

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, key: SampleKey) -> FaceSample:
        """Make one sample, without the batch dimension.

        Raises:
            DataError: If its image or label map cannot be read, or their sizes differ.
        """
        rounds, place = divmod(key.number, len(self.faces))
        face = self.faces[_order(self.seed, rounds, len(self.faces))[place]]
        rng = np.random.default_rng([self.seed, key.number, key.size])
        image = read_face(face.image)
        if face.labels is None:
            labels = np.full(image.shape[:2], UNLABELLED, dtype=np.uint8)
        else:
            labels = read_labels(face.labels)
            if labels.shape != image.shape[:2]:
                raise DataError(f"{face.labels}: {labels.shape} is not the size of {face.image.name}")
        image, labels = augment(image, labels, self.augmentation, rng)
        border = draw_border(self.degradation, key.size, min(labels.shape), rng)
        sharp, labels = resize_square(image, labels, key.size + 2 * border.margin)
        blurred, sharp, kernels = degrade(sharp, self.degradation, rng, border)
        labels = border.inside(labels)
        return FaceSample(
            torch.from_numpy(channels_first(blurred)),
            torch.from_numpy(channels_first(sharp)),
            torch.from_numpy(labels.astype(np.int64)),
            torch.from_numpy(kernels.copy()),
        )


@lru_cache(maxsize=2)
def _order(seed: int, rounds: int, count: int) -> NDArray[np.int64]:
    """The order of a pass over the images; for 162,770 it takes longer to draw than a small image to read."""
    return np.random.default_rng([seed, rounds]).permutation(count)


def resize_square(
    image: NDArray[np.uint8], labels: NDArray[np.uint8], size: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Bring a face ``(H, W, 3)`` and its labels to ``size`` px; the face becomes float32 in ``[0, 1]``.

    The filter is the protocols' (Lanczos, widened when shrinking).
    """
    if image.shape[:2] != (size, size):
        image = np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS))
        labels = cv2.resize(labels, (size, size), interpolation=cv2.INTER_NEAREST).astype(np.uint8)
    return to_float(image), labels


def augment(
    image: NDArray[np.uint8], labels: NDArray[np.uint8], augmentation: Augmentation, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Change a face ``(H, W, 3)`` and its labels ``(H, W)`` alike; what comes into view is mirrored."""
    if rng.random() < augmentation.flip:
        image, labels = image[:, ::-1], _FLIPPED_CLASSES[labels[:, ::-1]]
    if rng.random() < augmentation.affine:
        height, width = labels.shape
        zoom = augmentation.zoom ** rng.uniform(-1, 1)
        angle = rng.uniform(-augmentation.rotation, augmentation.rotation)
        matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), angle, zoom)
        matrix[0, 2] += width * rng.uniform(-augmentation.shift, augmentation.shift)
        matrix[1, 2] += height * rng.uniform(-augmentation.shift, augmentation.shift)
        border = cv2.BORDER_REFLECT_101
        size = (width, height)
        warped = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=border)
        moved = cv2.warpAffine(labels, matrix, size, flags=cv2.INTER_NEAREST, borderMode=border)
        image, labels = warped.astype(np.uint8), moved.astype(np.uint8)
    if augmentation.brightness:
        contrast, offset = rng.uniform(-augmentation.brightness, augmentation.brightness, 2)
        changed = (image.astype(np.float32) - 128.0) * (1.0 + contrast) + 128.0 * (1.0 + offset)
        image = np.clip(np.rint(changed), 0, 255).astype(np.uint8)
    if augmentation.softness:
        sigma = rng.uniform(0.0, augmentation.softness)
        image = cv2.GaussianBlur(image, (0, 0), max(sigma, _LEAST_SIGMA)).astype(np.uint8)
    return np.ascontiguousarray(image), np.ascontiguousarray(labels)


class SizeShare(BaseModel):
    """An image size of batches: how often it is drawn, and how many faces a batch holds.

    Attributes:
        size: Side in pixels, a multiple of 32.
        batch_size: Faces in a batch of this size, on each device.
        share: How often such a batch is drawn, relative to the others.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(160, ge=32, multiple_of=32)
    batch_size: int = Field(8, ge=1)
    share: float = Field(1.0, gt=0)


class StepSampler(Sampler[list[SampleKey]]):
    """The batches of the steps from ``start`` on, without end; each step's size depends on its number.

    With several processes, process ``rank`` of ``world`` gets its own part of each step's faces.
    """

    def __init__(self, sizes: Sequence[SizeShare], *, seed: int, start: int, rank: int = 0, world: int = 1) -> None:
        self.sizes = list(sizes)
        self.seed = seed
        self.start = start
        self.rank = rank
        self.world = world

    def __iter__(self) -> Iterator[list[SampleKey]]:
        shares = np.array([entry.share for entry in self.sizes])
        largest = max(entry.batch_size for entry in self.sizes) * self.world
        step = self.start
        while True:
            drawn = np.random.default_rng([self.seed, step]).choice(len(self.sizes), p=shares / shares.sum())
            entry = self.sizes[drawn]
            # Numbers advance by the largest batch whatever the size, so that a step's faces need no history.
            first = step * largest + self.rank * entry.batch_size
            yield [SampleKey(number, entry.size) for number in range(first, first + entry.batch_size)]
            step += 1
