"""Arrays of training samples that are kept on disk, so that what takes long to make is made once.

They are written in blocks; a build that was stopped goes on where it was.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snadnet.data.dataset import FaceDataset, FaceSample, SampleKey
from snadnet.errors import DataError
from snadnet.files import write_atomically

_BLOCK: Final = 16
_STATE: Final = "state.json"

Kind: TypeAlias = tuple[type, tuple[int, ...]]
"""The type of an array's numbers, and the shape of one sample's."""


class KeptArrays:
    """The samples of one image size in a folder, as arrays of which the first `count` are written.

    Args:
        folder: Holds a folder for each size; it is made if need be.
        size: Side of the images in pixels.
        capacity: How many samples there is to be room for; arrays that are there already may have more.
        kinds: What the arrays hold, by name.

    Raises:
        DataError: If the arrays cannot be made or read, or have less room.
    """

    def __init__(self, folder: Path, size: int, capacity: int, kinds: Mapping[str, Kind]) -> None:
        self.folder = folder / str(size)
        self.size = size
        self.capacity = capacity
        self._arrays: dict[str, NDArray[Any]] = {}
        self.folder.mkdir(parents=True, exist_ok=True)
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
        """How many samples are written.

        Raises:
            DataError: If the file that says so is damaged.
        """
        try:
            return int(json.loads((self.folder / _STATE).read_text(encoding="ascii"))["count"])
        except FileNotFoundError:
            return 0
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise DataError(f"{self.folder / _STATE}: is damaged; remove the folder to build it again") from error

    def write(self, values: Mapping[str, NDArray[Any]]) -> None:
        """Write a batch after the samples that are there; what there is no room for is left out.

        Args:
            values: For each array, by name, what it is to hold of ``B`` samples: ``(B, ...)``.
        """
        start = self.count
        for name, array in self._arrays.items():
            end = min(start + len(values[name]), len(array))
            array[start:end] = values[name][: end - start]
        write_atomically(self.folder / _STATE, json.dumps({"count": end}).encode("ascii"))

    def parts(self, numbers: Sequence[int]) -> dict[str, Tensor]:
        """Return what the arrays hold, by name, of the samples of some numbers, each below `count`."""
        return {
            name: torch.from_numpy(np.stack([array[number] for number in numbers]))
            for name, array in self._arrays.items()
        }


KeptT = TypeVar("KeptT", bound=KeptArrays)


def unfinished(stores: Iterable[KeptT]) -> Iterator[KeptT]:
    """Yield the one of some arrays that is furthest behind, until all are full; all may be trained on early so."""
    lacking = list(stores)
    while lacking := [store for store in lacking if store.count < store.capacity]:
        yield min(lacking, key=lambda each: each.count / each.capacity)


def next_faces(dataset: FaceDataset, store: KeptArrays) -> FaceSample:
    """Make the block of faces that comes after those of some arrays, by their numbers.

    Raises:
        DataError: If a face cannot be read.
    """
    start = store.count
    samples = [dataset[SampleKey(number, store.size)] for number in range(start, start + _BLOCK)]
    return FaceSample(*(torch.stack(part) for part in zip(*samples, strict=True)))


def to_bytes(images: Tensor) -> Tensor:
    """Return images in ``[0, 1]`` as the nearest of 256 values, uint8; what is beyond is clamped."""
    return images.float().clamp(0.0, 1.0).mul(255.0).round().byte()
