"""What is scored: networks of this project, and folders of pictures that any other tool has restored."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snadnet.data.image_folder import list_images, read_face
from snadnet.deblurrer import Deblurrer
from snadnet.errors import ConfigError, DataError
from snadnet.evaluation.test_set import FaceTestSet, as_8_bits
from snadnet.inference import Backend, Device, load_model, resolve_weights
from snadnet.models import describe_model, read_weights

BLURRED: Final = "blurred"
"""The method that gives back what it is given."""

BLURRED_INPUT: Final = "blurred input"
"""What it is called in tables."""

Restore = Callable[[Sequence[str], NDArray[np.uint8]], NDArray[np.uint8]]
"""Names of B faces and their blurred pictures, uint8 RGB (B, H, W, 3) -> restored ones of the same shape."""


@dataclass(frozen=True, eq=False)
class Method:
    """A way to restore faces.

    Attributes:
        name: What it is called in tables.
        source: What it is made of, for the header: a file and its checksum, or a folder.
        restore: Restores a batch; a face's result does not depend on the faces beside it.
    """

    name: str
    source: str
    restore: Restore


def find_method(text: str, test_set: FaceTestSet, *, device: Device = "auto") -> Method:
    """The method that a command line names.

    Args:
        text: ``blurred``, a released name, an ``.onnx`` or ``.safetensors`` file, or a folder of restored pictures
            that are called as the test set's faces. ``NAME=`` before it gives it another name in tables.
        test_set: What it will be scored on. Where its faces are not aligned, networks restore each face that is
            found, as :class:`snadnet.Deblurrer` does.
        device: Where networks run.

    Raises:
        DataError: A folder lacks a face's picture.
        WeightsError: A file is missing, damaged, or no restoration network; or there is no such released name.
        ModelError: The device is not there, or the file is a parser's.
    """
    name, place = name_and_place(text)
    path = Path(place)
    if place == BLURRED:
        return Method(name or BLURRED_INPUT, "the input as it is", lambda _, blurred: blurred)
    if path.is_dir():
        return Method(name or path.resolve().name, str(path), _from_folder(path, test_set))
    path = weights_file(place)
    network = load_model(path, device)
    restore = _of_aligned(network) if test_set.aligned else _of_unaligned(network)
    return Method(name or default_name(path), _file(path), restore)


def name_and_place(text: str) -> tuple[str, str]:
    """``NAME=PLACE`` in its two parts; the name is empty where none is given."""
    name, equals, place = text.partition("=")
    return (name, place) if equals and not Path(text).exists() else ("", text)


def default_name(path: Path) -> str:
    """What a weights file is called in tables: by its name, or by its folder's if that is all that tells runs apart."""
    return path.resolve().parent.name if path.stem == "weights" else path.stem


def refuse_twins(methods: Sequence[Method]) -> None:
    """Raise ConfigError if two methods, or one and the blurred input, have one name in tables."""
    names = [BLURRED_INPUT, *(method.name for method in methods)]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two methods are called {name!r}; give one another name, as in NAME=METHOD")


def weights_file(text: str) -> Path:
    """The file that is named: by its path, or by the name of a release.

    Raises:
        WeightsError: It is missing.
    """
    return resolve_weights(text)


def is_parser(text: str) -> bool:
    """Whether a command line's METHOD is a weights file of a face parser, which restores nothing.

    Raises:
        WeightsError: It is missing or damaged.
        ModelError: It holds an unknown network.
    """
    _, place = name_and_place(text)
    if place == BLURRED or Path(place).is_dir():
        return False
    path = weights_file(place)
    return path.suffix.lower() == ".safetensors" and describe_model(read_weights(path)[0]).task == "parsing"


def to_tensor(pictures: NDArray[np.uint8]) -> Tensor:
    """uint8 (B, H, W, 3) as float32 (B, 3, H, W) in [0, 1]."""
    return torch.from_numpy(pictures.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255.0))


def _of_aligned(network: Backend) -> Restore:
    """Pictures that are face crops, as they are."""
    return lambda _, blurred: as_8_bits(network(blurred.astype(np.float32) / np.float32(255.0)).restored)


def _of_unaligned(network: Backend) -> Restore:
    """Whole pictures, by the way of ``snadnet deblur``: find and align each face, restore it, paste it back."""
    deblurrer = Deblurrer(network=network)
    return lambda _, blurred: np.stack([deblurrer.restore(pixels).photo.pixels for pixels in blurred])


def _from_folder(folder: Path, test_set: FaceTestSet) -> Restore:
    files = {path.stem: path for path in list_images(folder)}
    missing = [name for name in test_set.names if name not in files]
    if missing:
        raise DataError(
            f"{folder}: has no picture called {missing[0]!r} ({len(missing)} of the test set's {len(test_set)} "
            "are missing); restore those too, under the names of the blurred pictures"
        )

    def restore(names: Sequence[str], blurred: NDArray[np.uint8]) -> NDArray[np.uint8]:
        pictures = [read_face(files[name]) for name in names]
        for name, picture in zip(names, pictures, strict=True):
            if picture.shape != blurred.shape[1:]:
                raise DataError(
                    f"{files[name]}: is {picture.shape[1]} x {picture.shape[0]} px, its blurred input "
                    f"{blurred.shape[2]} x {blurred.shape[1]} px; save it at the input's size"
                )
        return np.stack(pictures)

    return restore


def _file(path: Path) -> str:
    return f"{path} (sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:16]})"
