"""A finished network's results for training faces, kept on disk, so that later parts are trained without running it.

The faces are those that `FaceDataset` makes of the settings, by their numbers. They are
written in blocks; a stopped build goes on where it was.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from snadnet.data.dataset import FaceDataset, FaceSample, SampleKey
from snadnet.data.degradation import KERNEL_SIDE as TRUE_KERNEL_SIDE
from snadnet.errors import DataError
from snadnet.files import write_atomically
from snadnet.models import read_model
from snadnet.models.snadnet import Draft, FirstResult, FullSizeSNADNet, draft_of
from snadnet.models.wiener.full_size import FULL_KERNEL_SIDE, REGRESSION_MAPS
from snadnet.training.faces import fill_labels

_BLOCK: Final = 16
_LEAST: Final = 1e-12
_STATE: Final = "state.json"


class DraftedSample(FaceSample):
    """A batch of training faces with what a finished network made of them; all labels are known.

    Attributes:
        draft: What it restored, rounded to 8 bits, and its kernel.
    """

    draft: Draft


class FirstResults:
    """The results of one image size in a folder, as arrays of which the first `count` are written.

    Args:
        folder: Holds the arrays; it is made if need be.
        size: Side of the images in pixels.
        capacity: How many faces there is to be room for; arrays that are there already may have more.
        kernel_side: Rows and columns of the kernels.

    Raises:
        DataError: If the arrays cannot be made or read, or have less room.
    """

    def __init__(self, folder: Path, size: int, capacity: int, *, kernel_side: int = FULL_KERNEL_SIDE) -> None:
        self.folder = folder / str(size)
        self.size = size
        self.capacity = capacity
        image = (np.uint8, (size, size, 3))
        self._arrays: dict[str, NDArray[Any]] = {}
        self.folder.mkdir(parents=True, exist_ok=True)
        kinds: dict[str, tuple[type, tuple[int, ...]]] = {
            "blurred": image,
            "sharp": image,
            "restored": image,
            "labels": (np.uint8, (size, size)),
            "kernel": (np.float16, (TRUE_KERNEL_SIDE,) * 2),
            "log_kernel": (np.float16, (kernel_side,) * 2),
            "regressed": (np.float16, (REGRESSION_MAPS, kernel_side, kernel_side)),
        }
        for name, (kind, shape) in kinds.items():
            path = self.folder / f"{name}.npy"
            try:
                if not path.exists():
                    if self.count:
                        raise DataError(f"{self.folder}: lacks {path.name}; remove the folder to build it again")
                    np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=(capacity, *shape))
                array = np.lib.format.open_memmap(path, mode="r+")
            except (OSError, ValueError) as error:
                raise DataError(f"{path}: cannot be used ({error}); remove the folder to build it again") from error
            if array.shape[1:] != shape or len(array) < capacity:
                raise DataError(f"{path}: has no room for {capacity} faces of {size} px; name another folder")
            self._arrays[name] = array

    @property
    def count(self) -> int:
        """How many faces are written."""
        try:
            return int(json.loads((self.folder / _STATE).read_text(encoding="ascii"))["count"])
        except FileNotFoundError:
            return 0
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise DataError(f"{self.folder / _STATE}: is damaged; remove the folder to build it again") from error

    def append(self, sample: FaceSample, labels: Tensor, result: FirstResult) -> None:
        """Write a batch after those that are there.

        Args:
            sample: The faces.
            labels: ``(B, S, S)`` class ids, all known.
            result: What the network made of them.
        """
        start = self.count
        end = min(start + len(labels), len(self._arrays["labels"]))
        blurred, restored = _bytes(sample.blurred), _bytes(result.restored)
        given, kept = (_pictures(torch.from_numpy(pixels)) for pixels in (blurred, restored))
        draft = draft_of(given, kept, result.kernel)
        values = {
            "blurred": blurred,
            "sharp": _bytes(sample.sharp),
            "restored": restored,
            "labels": labels.numpy(),
            "kernel": sample.kernel.numpy(),
            "log_kernel": result.kernel.float().clamp_min(_LEAST).log().numpy(),
            "regressed": draft.regressed.numpy(),
        }
        for name, value in values.items():
            self._arrays[name][start:end] = value[: end - start]
        write_atomically(self.folder / _STATE, json.dumps({"count": end}).encode("ascii"))

    def read(self, numbers: Sequence[int]) -> DraftedSample:
        """Return the faces of some numbers, each below `count`."""
        parts = {
            name: torch.from_numpy(np.stack([array[number] for number in numbers]))
            for name, array in self._arrays.items()
        }
        kernel = parts["kernel"].float()
        kernel = kernel / kernel.sum(dim=(1, 2), keepdim=True)
        blurred, sharp, restored = (_pictures(parts[name]) for name in ("blurred", "sharp", "restored"))
        sample = DraftedSample(blurred, sharp, parts["labels"].long(), kernel)
        sample.draft = Draft(restored, parts["log_kernel"].float().exp(), parts["regressed"].float())
        return sample


def mirrored(sample: DraftedSample, symmetry: int) -> DraftedSample:
    """Return one of the eight symmetries of the square of a batch, images and kernels alike.

    Args:
        sample: The batch.
        symmetry: 0 to 7; odd ones mirror left and right, and 2, 4 and 6 turn by quarters before.
    """

    def move(tensor: Tensor) -> Tensor:
        turned = tensor.rot90(symmetry // 2, dims=(-2, -1))
        return turned.flip(-1) if symmetry % 2 else turned

    moved = DraftedSample(*(move(part) for part in sample))
    moved.draft = Draft(*(move(part) for part in sample.draft[:3]))
    return moved


def _bytes(images: Tensor) -> NDArray[np.uint8]:
    rounded: NDArray[np.uint8] = (
        images.float().clamp(0.0, 1.0).mul(255.0).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
    )
    return rounded


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
    while any(store.count < store.capacity for store in stores.values()):
        # The one that is furthest behind, so that all may be trained on early.
        store = min(stores.values(), key=lambda each: each.count / each.capacity)
        start = store.count
        samples = [dataset[SampleKey(number, store.size)] for number in range(start, start + _BLOCK)]
        batch = FaceSample(*(torch.stack(part) for part in zip(*samples, strict=True)))
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            result = network.first_result(batch.blurred.contiguous(memory_format=torch.channels_last))
            found = parser(batch.sharp.contiguous(memory_format=torch.channels_last)).argmax(dim=1)
        store.append(batch, fill_labels(batch.labels, found), result)
        yield {size: each.count for size, each in stores.items()}
