"""What the last round of a full-size pass learns of a camera's turn from, kept on disk: all before it is finished."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from snadnet.blur import apply_kernel
from snadnet.data.dataset import FaceDataset, FaceSample
from snadnet.data.degradation import KERNEL_SIDE as TRUE_KERNEL_SIDE
from snadnet.image_arrays import channels_first
from snadnet.models.snadnet import FullSizeSNADNet, TurnSight
from snadnet.models.wiener.data_step import band_means, frequency_bands
from snadnet.models.wiener.fourier import half_weights
from snadnet.models.wiener.refinement import fading_window
from snadnet.models.wiener.turn import TURN_MAPS, mirrored_maps
from snadnet.training.kept_arrays import KeptArrays, Kind, next_faces, to_bytes, unfinished
from snadnet.training.symmetries import moved, moved_quarters

_BANDS: Final = 10
"""As many as `frequency_bands` has."""

_NOISE_BANDS: Final = slice(7, 9)
"""Where a face has next to nothing of its own, and what processes photos has left the noise."""

_LEAST_NOISE: Final = (0.4 / 255.0) ** 2
"""Rounding to 8 bits alone gives about half of it."""


class TurnSample(NamedTuple):
    """A batch of what is known of faces before the last round, and of what it is judged by.

    Attributes:
        kernel: The refined kernels ``(B, K, K)``, sum 1.
        maps: What the estimator sees, ``(B, TURN_MAPS, K, K)``.
        images: The faces before the last round on their canvas, ``(B, 3, S + K - 1, S + K - 1)``, about ``[0, 1]``.
        blurred: The blurred faces, ``(B, 3, S, S)`` RGB in ``[0, 1]``.
        sharp: Their sharp twins, the same shape.
        kernels: The true kernels of the quarters, ``(B, 4, 49, 49)``, each of sum 1: upper left, upper right, lower
            left, lower right.
        power: Mean power of the sharp faces' frequencies in each band of them, ``(B, 10)``; that of white noise would
            be its variance.
        noise: The variance of the noise, of values in ``[0, 1]``, ``(B,)``.
    """

    kernel: Tensor
    maps: Tensor
    images: Tensor
    blurred: Tensor
    sharp: Tensor
    kernels: Tensor
    power: Tensor
    noise: Tensor


class TurnSamples(KeptArrays):
    """The samples of one image size in a folder.

    Args:
        folder: Holds a folder for each size; it is made if need be.
        size: Side of the images in pixels.
        capacity: How many samples there is to be room for; arrays that are there already may have more.
        kernel_side: Rows and columns of the refined kernels.

    Raises:
        DataError: If the arrays cannot be made or read, or have less room.
    """

    def __init__(self, folder: Path, size: int, capacity: int, *, kernel_side: int) -> None:
        image: Kind = (np.uint8, (3, size, size))
        canvas = size + kernel_side - 1
        kinds: dict[str, Kind] = {
            "kernel": (np.float16, (kernel_side, kernel_side)),
            "maps": (np.float16, (TURN_MAPS, kernel_side, kernel_side)),
            "images": (np.float16, (3, canvas, canvas)),
            "blurred": image,
            "sharp": image,
            "kernels": (np.float16, (4, TRUE_KERNEL_SIDE, TRUE_KERNEL_SIDE)),
            "power": (np.float32, (_BANDS,)),
            "noise": (np.float32, ()),
        }
        super().__init__(folder, size, capacity, kinds)

    def append(self, faces: FaceSample, sight: TurnSight) -> None:
        """Write a batch after those that are there.

        Args:
            faces: The faces.
            sight: What the network knows of their turn.
        """
        sample = TurnSample(
            sight.kernel.float(),
            sight.maps.float(),
            sight.images.float(),
            to_bytes(faces.blurred),
            to_bytes(faces.sharp),
            faces.kernels.flatten(1, 2),
            band_power(faces.sharp),
            noise_variance(faces),
        )
        self.write({name: part.numpy() for name, part in sample._asdict().items()})

    def read(self, numbers: Sequence[int]) -> TurnSample:
        """Return the samples of some numbers, each below `count`."""
        sample = TurnSample(**{name: part.float() for name, part in self.parts(numbers).items()})
        return sample._replace(
            kernel=_of_sum_one(sample.kernel),
            blurred=sample.blurred / 255.0,
            sharp=sample.sharp / 255.0,
            kernels=_of_sum_one(sample.kernels),
        )


def _of_sum_one(kernels: Tensor) -> Tensor:
    return kernels / kernels.sum(dim=(-2, -1), keepdim=True)


def mirrored_sample(sample: TurnSample, symmetry: int) -> TurnSample:
    """Return one of the eight symmetries of the square of a batch.

    Args:
        sample: The batch.
        symmetry: 0 to 7, as of `snadnet.training.symmetries.moved`.
    """
    quarters = sample.kernels.view(-1, 2, 2, *sample.kernels.shape[2:])
    pictures = {name: moved(getattr(sample, name), symmetry) for name in ("kernel", "images", "blurred", "sharp")}
    return sample._replace(
        **pictures,
        maps=mirrored_maps(sample.maps, symmetry),
        kernels=moved_quarters(quarters, symmetry).flatten(1, 2),
    )


def band_power(images: Tensor) -> Tensor:
    """Return the mean power of the frequencies of images in each band, over all channels.

    Args:
        images: ``(B, C, S, S)``.

    Returns:
        ``(B, 10)``; that of white noise is its variance in every band.
    """
    side, device = images.shape[-1], images.device
    # Where the image ends, its opposite edge begins for the transform: without a window, that edge is most of what is
    # found at high frequencies.
    fading = fading_window(side, device)
    window = torch.outer(fading, fading)
    centred = images - images.mean(dim=(2, 3), keepdim=True)
    power: Tensor = torch.fft.rfft2(centred * window).abs().square().mean(dim=1)
    found = band_means(power, frequency_bands(side, side, device) * half_weights(side, device))
    return found / (side * side * window.square().mean())


def noise_variance(faces: FaceSample) -> Tensor:
    """Return the variance of the noise of blurred faces, ``(B,)``: of what their mean kernel does not explain."""
    explained = np.stack(
        [
            channels_first(apply_kernel(sharp.permute(1, 2, 0).numpy(), kernel.numpy(), border="reflect"))
            for sharp, kernel in zip(faces.sharp, faces.kernel, strict=True)
        ]
    )
    power = band_power(faces.blurred - torch.from_numpy(explained))
    return power[:, _NOISE_BANDS].mean(dim=1).clamp_min(_LEAST_NOISE)


@torch.no_grad()
def build_turn_samples(
    folder: Path,
    dataset: FaceDataset,
    counts: Mapping[int, int],
    *,
    network: FullSizeSNADNet,
    bfloat16: bool = False,
) -> Iterator[dict[int, int]]:
    """Write what is missing of the samples of every size, a block of each size in turn.

    Args:
        folder: Where they are kept, a folder a size.
        dataset: Makes the faces.
        counts: How many samples of each size; more may be there already.
        network: Says what is known of the faces; one with an estimator of the turn.
        bfloat16: Whether to run it in this precision.

    Yields:
        How many there are of each size, after each block.

    Raises:
        DataError: If a face cannot be read, or the folder cannot be used.
    """
    side = network.kernel_side
    stores = {size: TurnSamples(folder, size, count, kernel_side=side) for size, count in counts.items()}
    for store in unfinished(stores.values()):
        faces = next_faces(dataset, store)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            sight = network.turn_sight(faces.blurred.contiguous(memory_format=torch.channels_last))
        store.append(faces, sight)
        yield {size: each.count for size, each in stores.items()}
