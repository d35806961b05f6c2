"""The forms in which the library accepts a photo: a path, a file's bytes, an open file, a Pillow image, an array."""

import os
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snadnet.errors import PhotoError
from snadnet.photo.formats import printable
from snadnet.photo.limits import Limits
from snadnet.photo.reading import photo_from_array, photo_from_image, read_photo, read_photo_bytes
from snadnet.photo.types import Photo

PhotoLike = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Image.Image | NDArray[Any] | Photo

_TAKEN: Final = "give a path, a file's bytes, a file open for reading, a Pillow image, an array (H, W, 3) or a Photo"
_LIMITS: Final = Limits()
_BATCH_DIMENSIONS: Final = 4
_IMAGE_DIMENSIONS: Final = 3
_CHANNELS: Final = (1, 3, 4)


def as_photo(photo: PhotoLike, *, limits: Limits = _LIMITS) -> Photo:
    """Return the photo that a caller gives, read and decoded if need be.

    Args:
        photo: A path; the bytes of a photo file; such a file open for reading, which is read from its start; a Pillow
            image; an array, uint8, uint16 or floating point in [0, 1], of shape ``(H, W, 3)``, ``(H, W, 4)`` (with
            transparency) or ``(H, W)`` (grey); or a Photo, which is returned as it is.
        limits: What is read at most.

    Raises:
        PhotoError: If it is none of these, or cannot be read. The message says what was given instead, such as a
            tensor, channels first, or a batch.
    """
    if isinstance(photo, Photo):
        return photo
    if isinstance(photo, Image.Image):
        return photo_from_image(photo, limits=limits)
    if isinstance(photo, np.ndarray):
        _check_layout(photo)
        return photo_from_array(photo)
    if isinstance(photo, bytes | bytearray | memoryview):
        return read_photo_bytes(bytes(photo), name="the bytes", limits=limits)
    if isinstance(photo, str | os.PathLike):
        return read_photo(Path(photo), limits=limits)
    if callable(getattr(photo, "read", None)):
        name = getattr(photo, "name", None)
        return _read_file(photo, printable(name) if isinstance(name, str) else "the open file", limits)
    raise PhotoError(_refusal(photo))


def _check_layout(array: NDArray[Any]) -> None:
    """Refuse the layouts of other libraries by their names; all else is left to `photo_from_array`."""
    if array.ndim == _BATCH_DIMENSIONS:
        raise PhotoError(f"the array has shape {array.shape}, a batch; give one image (H, W, 3) at a time")
    if array.ndim == _IMAGE_DIMENSIONS and array.shape[0] in _CHANNELS and array.shape[2] not in _CHANNELS:
        raise PhotoError(
            f"the array has shape {array.shape}, its channels first; give them last: np.moveaxis(array, 0, -1)"
        )


def _read_file(file: IO[bytes], name: str, limits: Limits) -> Photo:
    try:
        if file.seekable():
            file.seek(0)
        # One byte more than the limit is enough to see that there are more.
        content: object = file.read(limits.max_file_bytes + 1)
    except (AttributeError, OSError, TypeError, ValueError) as error:
        reason = printable(str(error).partition("\n")[0])
        raise PhotoError(f"{name}: cannot be read ({reason}); give a file that is open for reading") from error
    if not isinstance(content, bytes):
        raise PhotoError(f"{name}: gives text where bytes are needed; open it with mode 'rb'")
    return read_photo_bytes(content, name=name, limits=limits)


def _refusal(thing: object) -> str:
    kind = type(thing)
    if kind.__module__.partition(".")[0] == "torch":
        shape = tuple(getattr(thing, "shape", ()))
        first = len(shape) == _IMAGE_DIMENSIONS and shape[0] in _CHANNELS and shape[2] not in _CHANNELS
        one = "one image, as " if len(shape) == _BATCH_DIMENSIONS else ""
        order = ".permute(1, 2, 0)" if one or first else ""
        return f"a tensor is no photo; give {one}tensor{order}.cpu().numpy(), an array (H, W, 3) in [0, 1]"
    if isinstance(thing, list | tuple | set | dict):
        return f"a {kind.__name__} is no photo; {_TAKEN}, one at a time"
    return f"{'None' if thing is None else f'an object of type {kind.__name__}'} is no photo; {_TAKEN}"
