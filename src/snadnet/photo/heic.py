"""HEIC, the photo format of many phones: read only, and only with the extra ``snadnet[heic]``."""

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snadnet.errors import PhotoError

_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
# Brands of the container, which AVIF shares; the brands it is compatible with tell the two apart.
_CONTAINER_BRANDS: Final = frozenset({b"mif1", b"msf1"})


def is_heic(data: bytes) -> bool:
    """Return whether a file's content is HEIC."""
    if data[4:8] != b"ftyp":
        return False
    brand = data[8:12]
    compatible = {data[place : place + 4] for place in range(16, min(int.from_bytes(data[:4]), 256), 4)}
    return brand in _BRANDS or (brand in _CONTAINER_BRANDS and bool(compatible & _BRANDS))


def open_heic(data: bytes, name: str) -> Image.Image:
    """Open an image without decoding it.

    Raises:
        PhotoError: If the extra is not installed.
        Exception: If the file is damaged; of any kind.
    """
    try:
        import pillow_heif  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise PhotoError(
            f"{name}: is a HEIC photo, which needs an extra; pip install 'snadnet[heic]', or save it as JPEG"
        ) from error
    image: Image.Image = pillow_heif.HeifImageFile(io.BytesIO(data))  # type: ignore[no-untyped-call]
    return image


def deep_heic(data: bytes) -> NDArray[np.uint16] | None:
    """Return the main image of a HEIC of 10 or 12 bits, turned upright, as its own values (H, W, C).

    Returns:
        None where the decoder gives 8 bits.

    Raises:
        Exception: If the file is damaged; of any kind.
    """
    import pillow_heif  # noqa: PLC0415 - an extra

    opened = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False)
    pixels = np.asarray(opened[opened.primary_index])
    return np.atleast_3d(pixels) if pixels.dtype == np.uint16 else None
