"""A finished network's results for training faces, kept on disk, so that later parts are trained without running it.

The faces are those that `FaceDataset` makes of the settings, by their numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from snadnet.data.dataset import FaceDataset, FaceSample
from snadnet.data.degradation import KERNEL_SIDE as TRUE_KERNEL_SIDE
from snadnet.models import read_model
from snadnet.models.snadnet import Draft, FirstResult, FullSizeSNADNet, draft_of
from snadnet.models.wiener.full_size import FULL_KERNEL_SIDE, REGRESSION_MAPS
from snadnet.training.faces import fill_labels
from snadnet.training.kept_arrays import KeptArrays, Kind, next_faces, to_bytes, unfinished
from snadnet.training.symmetries import moved, moved_quarters

_LEAST: Final = 1e-12


class DraftedSample(FaceSample):
    """A batch of training faces with what a finished network made of them; all labels are known.

    Attributes:
        draft: What it restored, rounded to 8 bits, and its kernel.
    """

    draft: Draft


class FirstResults(KeptArrays):
    """The results of one image size in a folder.

    Args:
        folder: Holds a folder for each size; it is made if need be.
        size: Side of the images in pixels.
        capacity: How many faces there is to be room for; arrays that are there already may have more.
        kernel_side: Rows and columns of the kernels.

    Raises:
        DataError: If the arrays cannot be made or read, or have less room.
    """

    def __init__(self, folder: Path, size: int, capacity: int, *, kernel_side: int = FULL_KERNEL_SIDE) -> None:
        image: Kind = (np.uint8, (size, size, 3))
        kinds: dict[str, Kind] = {
            "blurred": image,
            "sharp": image,
            "restored": image,
            "labels": (np.uint8, (size, size)),
            "kernels": (np.float16, (2, 2, TRUE_KERNEL_SIDE, TRUE_KERNEL_SIDE)),
            "log_kernel": (np.float16, (kernel_side,) * 2),
            "regressed": (np.float16, (REGRESSION_MAPS, kernel_side, kernel_side)),
        }
        super().__init__(folder, size, capacity, kinds)

    def append(self, sample: FaceSample, labels: Tensor, result: FirstResult) -> None:
        """Write a batch after those that are there.

        Args:
            sample: The faces.
            labels: ``(B, S, S)`` class ids, all known.
            result: What the network made of them.
        """
        blurred, restored = _pixels(sample.blurred), _pixels(result.restored)
        given, kept = (_pictures(torch.from_numpy(pixels)) for pixels in (blurred, restored))
        draft = draft_of(given, kept, result.kernel)
        self.write(
            {
                "blurred": blurred,
                "sharp": _pixels(sample.sharp),
                "restored": restored,
                "labels": labels.numpy(),
                "kernels": sample.kernels.numpy(),
                "log_kernel": result.kernel.float().clamp_min(_LEAST).log().numpy(),
                "regressed": draft.regressed.numpy(),
            }
        )

    def read(self, numbers: Sequence[int]) -> DraftedSample:
        """Return the faces of some numbers, each below `count`."""
        parts = self.parts(numbers)
        kernels = parts["kernels"].float()
        kernels = kernels / kernels.sum(dim=(-2, -1), keepdim=True)
        blurred, sharp, restored = (_pictures(parts[name]) for name in ("blurred", "sharp", "restored"))
        sample = DraftedSample(blurred, sharp, parts["labels"].long(), kernels)
        sample.draft = Draft(restored, parts["log_kernel"].float().exp(), parts["regressed"].float())
        return sample


def mirrored(sample: DraftedSample, symmetry: int) -> DraftedSample:
    """Return one of the eight symmetries of the square of a batch, images and kernels alike.

    Args:
        sample: The batch.
        symmetry: 0 to 7, as of `snadnet.training.symmetries.moved`.
    """
    blurred, sharp, labels = (moved(part, symmetry) for part in sample[:3])
    result = DraftedSample(blurred, sharp, labels, moved_quarters(sample.kernels, symmetry))
    result.draft = Draft(*(moved(part, symmetry) for part in sample.draft[:3]))
    return result


def _pixels(images: Tensor) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = to_bytes(images).permute(0, 2, 3, 1).contiguous().numpy()
    return pixels


def _pictures(pixels: Tensor) -> Tensor:
    return pixels.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last).float() / 255.0


@torch.no_grad()
def build_first_results(
    folder: Path,
    dataset: FaceDataset,
    counts: Mapping[int, int],
    *,
    network: FullSizeSNADNet,
    label_parser: Path,
    bfloat16: bool = False,
) -> Iterator[dict[int, int]]:
    """Write what is missing of the results of every size, a block of each size in turn.

    Args:
        folder: Where they are kept, a folder a size.
        dataset: Makes the faces.
        counts: How many faces of each size; more may be there already.
        network: Its finished part makes the results.
        label_parser: Weights of the parser that labels sharp faces without a label map.
        bfloat16: Whether to run the networks in this precision.

    Yields:
        How many there are of each size, after each block.

    Raises:
        DataError: If a face cannot be read, or the folder cannot be used.
        WeightsError: If weights cannot be used.
    """
    parser: nn.Module = read_model(label_parser)
    side = network.kernel_side
    stores = {size: FirstResults(folder, size, count, kernel_side=side) for size, count in counts.items()}
    for store in unfinished(stores.values()):
        batch = next_faces(dataset, store)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            result = network.first_result(batch.blurred.contiguous(memory_format=torch.channels_last))
            found = parser(batch.sharp.contiguous(memory_format=torch.channels_last)).argmax(dim=1)
        store.append(batch, fill_labels(batch.labels, found), result)
        yield {size: each.count for size, each in stores.items()}
