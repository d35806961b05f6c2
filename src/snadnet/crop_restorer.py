"""Face crops of a photo through the networks: which network takes a face, by its size, and what it makes of it."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from snadnet.blur import kernel_extent, measure_consistency, point_if_unmoved
from snadnet.concurrency import CorePool
from snadnet.environment import available_cores
from snadnet.faces import CROP_SIZE, EstimatedBlur, Face, Patch, crop_face, face_matrix, measure_sharpness
from snadnet.faces.warp import resize_pixels, scale_of
from snadnet.image_arrays import Pixels, to_float
from snadnet.inference import Backend, open_ahead, runs_side_by_side
from snadnet.photo import ColourBridge, Photo

LARGE_FACE: Final = 384
"""Side in photo pixels from which on a face's crop goes to the network for large faces."""

_Matrix = NDArray[np.float64]
_Item = TypeVar("_Item")


class RestoredCrop(NamedTuple):
    """What a network makes of a crop.

    Attributes:
        patch: The change to the photo, in the photo's own colours.
        parsing: uint8 ``(256, 256)``, the class ids (`snadnet.faces.classes`); None where the network parses no faces.
        blur: How the network explains the blur; None where it does not say.
        sharpness: That of the canonical crop before it was restored (`snadnet.faces.measure_sharpness`).
    """

    patch: Patch
    parsing: NDArray[np.uint8] | None
    blur: EstimatedBlur | None
    sharpness: float


class CropRestorer:
    """Cuts face crops, restores them and says what that changes.

    A crop has the size that its network is made for (`Backend.crop_size`).

    Args:
        network: The network.
        large: Opens the network for faces of `LARGE_FACE` and more, once there is one; None gives them to the other.
        batch_size: Most crops that go through a network at one time.
    """

    def __init__(self, network: Backend, large: Callable[[], Backend] | None, batch_size: int) -> None:
        self.network = network
        self._open_large = large
        self._large: Backend | None = None
        self._batch_size = batch_size
        self._pool = CorePool("snadnet-crops")

    def expect(self, faces: Sequence[Face]) -> None:
        """Begin to open the networks that these faces need, before their crops are there."""
        for face in faces:
            self._network_for_face(face.landmarks)

    def restore(self, photo: Photo, landmarks: Sequence[NDArray[np.floating]]) -> list[RestoredCrop]:
        """Restore the faces of a photo that have these landmarks, ``(5, 2)`` in its pixels each."""
        chosen = [self._network_for_face(points) for points in landmarks]
        restored: dict[int, RestoredCrop] = {}
        for network in dict.fromkeys(chosen):
            indices = [index for index, each in enumerate(chosen) if each is network]
            places = [landmarks[index] for index in indices]
            restored.update(zip(indices, self._by(network, photo, places), strict=True))
        return [restored[index] for index in range(len(landmarks))]

    def restore_whole(self, photo: Photo) -> RestoredCrop:
        """Restore a photo that is itself a face crop, reduced if its longer side is larger than the network's crop."""
        height, width = photo.pixels.shape[:2]
        network = self._network_for(max(height, width))
        crop = reduced_to(photo.pixels, network.crop_size)
        scale = len(crop) / height
        canonical = crop if network.crop_size == CROP_SIZE else reduced_to(photo.pixels, CROP_SIZE)
        matrix = np.diag([scale, scale, 1.0])[:2]
        (restored,) = _restored(network, crop[None], photo, [matrix], [measure_sharpness(canonical)])
        return restored

    def _by(self, network: Backend, photo: Photo, landmarks: Sequence[NDArray[np.floating]]) -> Iterator[RestoredCrop]:
        """Restore faces by one network."""
        if not runs_side_by_side(network):
            # Of large crops fewer at one time, whose parsing alone is large.
            size = max(1, self._batch_size * CROP_SIZE**2 // max(CROP_SIZE, network.crop_size) ** 2)
            for batch in _parts(landmarks, size):
                yield from _cut_and_restored(network, photo, batch)
            return

        def alone(points: NDArray[np.floating]) -> RestoredCrop:
            (restored,) = _cut_and_restored(network, photo, [points])
            return restored

        # All that is done for a face is done by one thread, which waits for no other.
        cores = available_cores()
        for batch in _parts(landmarks, len(landmarks) if self._batch_size >= cores else self._batch_size):
            yield from self._pool.map(alone, batch)

    def _network_for_face(self, landmarks: NDArray[np.floating]) -> Backend:
        return self._network_for(CROP_SIZE / scale_of(face_matrix(landmarks)))

    def _network_for(self, side: float) -> Backend:
        """The network for a face whose crop has that side in photo pixels, which begins to open."""
        network = self.network
        if self._open_large is not None and side >= LARGE_FACE:
            if self._large is None:
                # Without a lock, which could be inherited locked: two threads may each open one, and both work.
                self._large = self._open_large()
            network = self._large
        open_ahead(network)
        return network


def reduced_to(pixels: Pixels, side: int) -> NDArray[np.float32]:
    """An image ``(H, W, 3)`` as float32 in [0, 1], reduced so that its longer side is ``side`` px at most."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = resize_pixels(pixels, size, cv2.INTER_AREA)
    return to_float(pixels)


def _parts(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _cut_and_restored(network: Backend, photo: Photo, landmarks: Sequence[NDArray[np.floating]]) -> list[RestoredCrop]:
    """Cut the crops of faces from a photo and restore them in one batch."""
    matrices = [face_matrix(points, network.crop_size) for points in landmarks]
    crops = np.stack([crop_face(photo.pixels, matrix, network.crop_size) for matrix in matrices])
    canonical = (
        crops
        if network.crop_size == CROP_SIZE
        else (crop_face(photo.pixels, face_matrix(points)) for points in landmarks)
    )
    return _restored(network, crops, photo, matrices, [measure_sharpness(crop) for crop in canonical])


def _restored(
    network: Backend,
    crops: NDArray[np.float32],
    photo: Photo,
    matrices: Sequence[_Matrix],
    sharpness: Sequence[float],
) -> list[RestoredCrop]:
    """Restore crops ``(B, H, W, 3)`` that matrices cut from a photo.

    The network sees sRGB. Of a grey photo the change is the same for all channels.
    """
    colours = ColourBridge(photo.icc_profile, grey=photo.grey)
    blurred = np.stack([colours.to_srgb(crop) for crop in crops])
    restored, parsing, kernels, in_light = network(blurred)
    if photo.grey:
        restored = blurred + (restored - blurred).mean(axis=3, keepdims=True)
    return [
        RestoredCrop(
            Patch(matrix, colours.residual(blurred[index], restored[index])),
            None if parsing is None else _class_ids(parsing[index]),
            None
            if kernels is None
            else _estimated_blur(
                kernels[index],
                restored[index],
                blurred[index],
                matrix,
                in_light=in_light is not None and bool(in_light[index]),
            ),
            sharpness[index],
        )
        for index, matrix in enumerate(matrices)
    ]


def _class_ids(probabilities: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The classes of the canonical crop, of probabilities ``(H, W, 19)``."""
    if probabilities.shape[:2] != (CROP_SIZE, CROP_SIZE):
        # Probabilities rather than ids are resized: between two ids lies no meaning.
        size = (CROP_SIZE, CROP_SIZE)
        classes = [cv2.resize(each, size, interpolation=cv2.INTER_LINEAR) for each in np.moveaxis(probabilities, 2, 0)]
        probabilities = np.stack(classes, axis=2, dtype=np.float32)
    ids: NDArray[np.uint8] = probabilities.argmax(axis=2).astype(np.uint8)
    return ids


def _estimated_blur(
    kernel: NDArray[np.float32],
    restored: NDArray[np.float32],
    blurred: NDArray[np.float32],
    matrix: _Matrix,
    *,
    in_light: bool,
) -> EstimatedBlur:
    """The blur of a crop that a matrix cuts from the photo, in the photo's pixels."""
    # A similarity: its first column is the cosine and the sine of its turn, times its scale.
    scale = scale_of(matrix)
    turn = math.degrees(math.atan2(matrix[1, 0], matrix[0, 0]))
    kernel = point_if_unmoved(kernel)
    length, angle = kernel_extent(kernel)
    consistency = measure_consistency(restored, blurred, kernel, in_light=in_light, spacing=round(scale))
    return EstimatedBlur(kernel, 1.0 + (length - 1.0) / scale, (angle + turn) % 180.0, consistency, in_light)
