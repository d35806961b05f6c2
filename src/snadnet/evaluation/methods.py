"""Methods to score: networks of this project, functions, and folders of images that any other tool restored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from snadnet.data.image_folder import check_names, list_images, read_face
from snadnet.deblurrer import Deblurrer
from snadnet.errors import ConfigError, DataError, ModelError
from snadnet.evaluation.test_set import FaceTestSet
from snadnet.faces.defaults import Light
from snadnet.image_arrays import to_float, to_uint8
from snadnet.inference import Backend, Device, load_model, weights_for_effort, with_light
from snadnet.inference.resolve import weights_digest
from snadnet.models import describe_model, read_weights
from snadnet.photo import printable

BLURRED: Final = "blurred"
"""The method that returns its input."""

BLURRED_INPUT: Final = "blurred input"
"""Its name in tables."""

Restore = Callable[[Sequence[str], NDArray[np.uint8]], NDArray[np.uint8]]
"""Names of B faces and their blurred images, uint8 RGB (B, H, W, 3) -> restored images of the same shape."""

RestoreImages = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
"""A method without names: blurred images, uint8 RGB (B, H, W, 3) -> restored images of the same shape."""


@dataclass(frozen=True, eq=False)
class Method:
    """A way to restore faces.

    Attributes:
        name: Its name in tables.
        source: Its origin, for the header: a file and its checksum, or a folder.
        restore: Restores a batch; a face's result does not depend on the faces beside it.
    """

    name: str
    source: str
    restore: Restore


def find_method(
    method: "str | Path | Method | RestoreImages",
    test_set: FaceTestSet,
    *,
    device: Device = "auto",
    effort: int = 1,
    light: str = Light.SRGB,
) -> Method:
    """Return a method by its name on a command line, or from what a program gives.

    Args:
        method: ``blurred``, a name or file that ``snadnet.inference.load_model`` takes, or a folder of restored
            images that have the names of the test set's faces. ``NAME=`` before it gives it another name in tables.
            Or a function that restores a batch, or a ``Method``.
        test_set: The test set that it will be scored on. Where its faces are not aligned, networks restore each face
            that is found, as ``snadnet.Deblurrer`` does.
        device: Where networks run.
        effort: How often they are run for a face, see `snadnet.inference.load_model`.
        light: What the blur is taken for, see `snadnet.inference.with_light`.

    Raises:
        DataError: If a folder lacks a face's image, or has two of one name.
        WeightsError: If a file is missing, damaged or not of a restoration network, or the name is unknown.
        ModelError: If the device is not there, or the file is a face parser's.
    """
    if isinstance(method, Method):
        return method
    if not isinstance(method, str | Path):
        return _from_function(method)
    name, place = name_and_place(str(method))
    path = Path(place)
    if place == BLURRED:
        return Method(name or BLURRED_INPUT, "the input as it is", lambda _, blurred: blurred)
    if path.is_dir():
        return Method(name or path.resolve().name, str(path), _from_folder(path, test_set))
    weights, _ = weights_for_effort(place, effort)
    if _holds_parser(weights):
        raise ModelError(f"{printable(place)}: is a face parser, which restores nothing; run: snadnet evaluate-parsers")
    if test_set.aligned:
        restore = _of_aligned(with_light(load_model(place, device, effort), light))
    else:
        restore = _of_unaligned(Deblurrer(weights=place, device=device, effort=effort, light=light))
    source = f"{weights} (sha256 {weights_digest(weights)[:16]})" + (f", effort {effort}" if effort > 1 else "")
    source += f", light {light}" if light != Light.SRGB else ""
    return Method(name or default_name(place), source, restore)


def name_and_place(text: str) -> tuple[str, str]:
    """Split ``NAME=PLACE``; the name is empty where none is given."""
    name, equals, place = text.partition("=")
    return (name, place) if equals and not Path(text).exists() else ("", text)


def default_name(place: str) -> str:
    """Return the name of weights in tables: a file's, or its folder's if only that distinguishes runs."""
    path = Path(place)
    if not path.is_file():
        return place
    return path.resolve().parent.name if path.stem == "weights" else path.stem


def refuse_twins(methods: Sequence[Method]) -> None:
    """Raise ConfigError if two methods, or one and the blurred input, have one name in tables."""
    names = [BLURRED_INPUT, *(method.name for method in methods)]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two methods are called {name!r}; give one another name, as in NAME=METHOD")


def _of_aligned(network: Backend) -> Restore:
    """Restore images that are face crops, as they are."""
    return lambda _, blurred: to_uint8(network(to_float(blurred)).restored)


def _of_unaligned(deblurrer: Deblurrer) -> Restore:
    """Restore whole images as ``snadnet deblur`` does: find and align each face, restore it, paste it back."""
    return lambda _, blurred: np.stack([deblurrer.restore(pixels).photo.pixels for pixels in blurred])


def _from_folder(folder: Path, test_set: FaceTestSet) -> Restore:
    images = list_images(folder)
    check_names(images)
    files = {path.stem: path for path in images}
    missing = [name for name in test_set.names if name not in files]
    if missing:
        raise DataError(
            f"{folder}: has no image called {missing[0]!r} ({len(missing)} of the test set's {len(test_set)} "
            "are missing); restore those too, under the names of the blurred images"
        )

    def restore(names: Sequence[str], blurred: NDArray[np.uint8]) -> NDArray[np.uint8]:
        images = [read_face(files[name]) for name in names]
        for name, image in zip(names, images, strict=True):
            if image.shape != blurred.shape[1:]:
                raise DataError(
                    f"{files[name]}: is {image.shape[1]} x {image.shape[0]} px, its blurred input "
                    f"{blurred.shape[2]} x {blurred.shape[1]} px; save it at the input's size"
                )
        return np.stack(images)

    return restore


def _from_function(function: RestoreImages) -> Method:
    name = getattr(function, "__name__", type(function).__name__)
    return Method(name, "a Python function", lambda _, blurred: function(blurred))


def _holds_parser(weights: Path) -> bool:
    """Return whether a weights file is a face parser's; raises WeightsError if it is damaged."""
    return weights.suffix.lower() == ".safetensors" and describe_model(read_weights(weights)[0]).task == "parsing"
