"""Reading a photo: the format by content from an allowlist, limits first, one clear error for damage."""

import io
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from snadnet.errors import PhotoError
from snadnet.photo.metadata import clean_exif, jpeg_coding, profile_space, upright
from snadnet.photo.types import FORMATS, FORMATS_IN_WORDS, Photo, shown

MAX_FILE_BYTES: Final = 100_000_000
"""Largest file that is read, in bytes (100 MB)."""

MAX_PIXELS: Final = 50_000_000
"""Largest picture that is decoded, in pixels (50 Mpx)."""

_TIFF_BITS_PER_SAMPLE_TAG: Final = 258
_BYTE_BITS: Final = 8


def read_photo(path: str | Path, *, max_file_bytes: int = MAX_FILE_BYTES, max_pixels: int = MAX_PIXELS) -> Photo:
    """Reads a photo file by its content, whatever its name.

    Ten- and twelve-bit AVIF is read at 8 bits. Of a camera's multi-picture JPEG the main picture is read.

    Args:
        path: a regular file.
        max_file_bytes: the largest file to read, in bytes.
        max_pixels: the largest picture to decode, width times height.

    Raises:
        PhotoError: the file is missing, no photo, damaged, over a limit, of several frames, or of more than
            8 bits a channel.
    """
    path = Path(path)
    name = shown(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise PhotoError(f"{name}: is a folder, not a photo; name the photos in it")
        # A pipe or device would block or never end.
        if not stat.S_ISREG(status.st_mode):
            raise PhotoError(f"{name}: is not a regular file; give a photo file")
        if status.st_size == 0:
            raise PhotoError(f"{name}: is empty; copy it again from its source")
        if status.st_size > max_file_bytes:
            raise PhotoError(
                f"{name}: is {status.st_size / 1e6:.0f} MB large, more than the limit of"
                f" {max_file_bytes / 1e6:.0f} MB; save it smaller"
            )
        file = path.open("rb")
    except FileNotFoundError as error:
        raise PhotoError(f"{name}: no such file; check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise PhotoError(f"{name}: cannot be opened ({reason}); check the path and its permissions") from error
    with _quiet_decoders(), file, _open_image(file, name) as image:
        return replace(_photo_from_image(image, name=name, max_pixels=max_pixels), path=path)


def photo_from_image(image: Image.Image, *, max_pixels: int = MAX_PIXELS) -> Photo:
    """A photo from a Pillow image, with orientation, profile, EXIF and transparency handled as for a file.

    Args:
        image: an 8-bit picture, loaded or just opened; it is not changed (but is loaded).
        max_pixels: the largest picture to accept, width times height.

    Raises:
        PhotoError: the picture is over the limit, of more than 8 bits a channel, of several frames, or its
            file is damaged.
    """
    with _quiet_decoders():
        return _photo_from_image(image, name="the image", max_pixels=max_pixels)


def photo_from_array(array: NDArray[Any]) -> Photo:
    """A photo from an array of RGB, RGBA or grey values.

    Args:
        array: (H, W, 3), (H, W, 4) or (H, W), uint8 or floating point in [0, 1]. It is copied.

    Raises:
        PhotoError: the shape, type or value range is another one.
    """
    if array.ndim not in {2, 3} or (array.ndim == 3 and array.shape[2] not in {3, 4}) or 0 in array.shape:  # noqa: PLR2004
        raise PhotoError(f"the array has shape {array.shape}; give (H, W, 3), (H, W, 4) or (H, W), none of them 0")
    if np.issubdtype(array.dtype, np.floating):
        # NaN fails both comparisons.
        if not (array.min() >= 0 and array.max() <= 1):
            raise PhotoError("the array has values outside [0, 1]; scale and clip floating-point pixels to it")
        values = np.rint(array.astype(np.float64) * 255).astype(np.uint8)
    elif array.dtype == np.uint8:
        values = array.copy()
    else:
        raise PhotoError(f"the array is of type {array.dtype}; give uint8, or floating point in [0, 1]")
    grey = values.ndim == 2  # noqa: PLR2004
    pixels = np.repeat(values[..., None], 3, axis=2) if grey else np.ascontiguousarray(values[..., :3])
    alpha = np.ascontiguousarray(values[..., 3]) if values.shape[2:] == (4,) else None
    return Photo(pixels=pixels, alpha=alpha, grey=grey, format="PNG", icc_profile=None, exif=None, path=None, jpeg=None)


@contextmanager
def _quiet_decoders() -> Iterator[None]:
    """Silences Pillow's warnings, of broken EXIF and large pictures, which are errors here or left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _open_image(file: io.BufferedReader, name: str) -> Image.Image:
    try:
        return Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise PhotoError(f"{name}: is far too large a picture to decode; save it smaller") from error
    except Exception as error:
        raise PhotoError(f"{name}: is not a photo that can be read; give a {FORMATS_IN_WORDS} file") from error


def _photo_from_image(image: Image.Image, *, name: str, max_pixels: int) -> Photo:
    _check_image(image, name=name, max_pixels=max_pixels)
    jpeg = jpeg_coding(image)
    # TIFF is turned upright while loading and cannot reach its EXIF afterwards.
    tiff_exif = clean_exif(image, image.size) if image.format == "TIFF" else None
    try:
        image.load()
    except Exception as error:
        raise PhotoError(f"{name}: is damaged or cut short; copy it again from its source") from error
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes):
        profile = None
    # The other formats may keep EXIF behind the pixels.
    turned = upright(image)
    exif = tiff_exif or clean_exif(image, turned.size)
    try:
        colours, alpha, grey = _split(turned, profile)
    except Exception as error:
        raise PhotoError(f"{name}: has colours of an unsupported kind ({image.mode}); save it as 8-bit RGB") from error
    return Photo(
        pixels=np.array(colours.convert("RGB")),
        alpha=None if alpha is None else np.array(alpha),
        grey=grey,
        format="JPEG" if image.format == "MPO" else image.format if image.format in FORMATS else "PNG",
        icc_profile=profile if profile and profile_space(profile) == ("GRAY" if grey else "RGB ") else None,
        exif=exif,
        path=None,
        jpeg=jpeg,
    )


def _check_image(image: Image.Image, *, name: str, max_pixels: int) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise PhotoError(f"{name}: has no pixels; give a photo")
    if width * height > max_pixels:
        raise PhotoError(
            f"{name}: is {width} x {height} pixels ({width * height / 1e6:.1f} Mpx), more than the"
            f" limit of {max_pixels / 1e6:.0f} Mpx; save it smaller"
        )
    try:
        deep = _is_deep(image)
        frames = 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
    except Exception as error:
        raise PhotoError(f"{name}: is damaged or cut short; copy it again from its source") from error
    if deep:
        raise PhotoError(
            f"{name}: has more than 8 bits a channel, which is not supported yet; save it as an 8-bit photo"
        )
    if frames > 1:
        raise PhotoError(f"{name}: has {frames} frames or pages; save the one to deblur as a photo of its own")


def _is_deep(image: Image.Image) -> bool:
    """Whether the file has more than 8 bits a channel, which Pillow would cut to 8 in silence for colour."""
    if image.mode in {"I", "F"} or image.mode.startswith("I;"):
        return True
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(_TIFF_BITS_PER_SAMPLE_TAG, (1,))
        return any(count > _BYTE_BITS for count in (bits if isinstance(bits, tuple) else (bits,)))
    if image.format == "PNG":
        # The layout of the stored pixels, such as "RGB;16B"; the list is empty once the pixels are decoded.
        return any(";16" in str(tile[3]) for tile in getattr(image, "tile", []))
    return False


def _split(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, Image.Image | None, bool]:
    """The colours (mode L or RGB), the transparency (mode L or None) and whether the picture is grey."""
    mode = image.mode
    if mode in {"1", "L", "LA", "La"}:
        with_alpha = mode in {"LA", "La"} or image.has_transparency_data
        bands = image.convert("RGBA").split() if with_alpha else (image.convert("L"),)
        return bands[0], bands[3] if with_alpha else None, True
    if mode == "CMYK":
        return _cmyk_to_srgb(image, profile), None, False
    if mode in {"RGBA", "RGBa", "PA"} or image.has_transparency_data:
        colours = image.convert("RGBA")
        return colours.convert("RGB"), colours.getchannel("A"), False
    return image.convert("RGB"), None, False


def _cmyk_to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Through the file's own profile where that is a sound CMYK one, else by Pillow's plain formula."""
    if profile is not None and profile_space(profile) == "CMYK":
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")
