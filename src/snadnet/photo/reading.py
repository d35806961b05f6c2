"""Reading a photo: the format by content from an allowlist, limits first, one clear error for damage."""

import stat
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snadnet.errors import PhotoError
from snadnet.image_arrays import PEAKS, Pixels, eight_bits, to_uint8
from snadnet.photo.container import has_appended, has_too_many_pieces, without_extras
from snadnet.photo.described_colours import colour_codes, colour_profile
from snadnet.photo.exif import says_adobe_rgb
from snadnet.photo.formats import FORMATS, FORMATS_IN_WORDS, printable, refused_url
from snadnet.photo.heic import is_heic, open_heic
from snadnet.photo.limits import MAX_PIECES, Limits
from snadnet.photo.metadata import APPENDED_NOTE, Metadata, has_impostors, look_before_loading, read_metadata
from snadnet.photo.samples import ColoursError, file_bits, load_samples, open_image
from snadnet.photo.silence import SILENCE
from snadnet.photo.types import DEPTHS, Photo

_LOSSLESS_FORMATS: Final = frozenset({"PNG", "TIFF", "BMP"})

# Formats that say more about the photo than Pillow passes on: colour codes, what is appended, the lower bits.
_ASKED_FORMATS: Final = frozenset({"JPEG", "PNG", "TIFF", "AVIF", "HEIF"})
# Formats of which Pillow decodes more than 8 bits only in two readings.
_DEEP_FORMATS: Final = frozenset({"PNG", "TIFF"})

_LIMITS: Final = Limits()


class _DamagedError(PhotoError):
    """The file is not sound; without its extras it may be."""


def read_photo(path: str | Path, *, limits: Limits = _LIMITS) -> Photo:
    """Read a photo file by its content, whatever its name.

    Of an animated file or one of several pages the first image is read. `Photo.bits` says how deep it is. HEIC needs
    the extra ``snadnet[heic]``. `Photo.notes` lists what was left out or changed.

    Args:
        path: A regular file.
        limits: What is read at most.

    Raises:
        PhotoError: If the file is missing, no photo, damaged, over a limit, or of floating-point values.
    """
    path = Path(path)
    name = printable(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise PhotoError(f"{name}: is a folder, not a photo; name the photos in it")
        # A pipe or device would block or never end.
        if not stat.S_ISREG(status.st_mode):
            raise PhotoError(f"{name}: is not a regular file; give a photo file")
        _check_file_size(status.st_size, name, limits)
        with path.open("rb") as file:
            data = file.read(status.st_size)
    except FileNotFoundError as error:
        raise PhotoError(refused_url(path) or f"{name}: no such file; check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise PhotoError(f"{name}: cannot be opened ({reason}); check the path and its permissions") from error
    return replace(_decode(data, name=name, limits=limits), path=path)


def read_srgb(path: str | Path, *, limits: Limits = _LIMITS) -> NDArray[np.uint8]:
    """Read only the pixels of a photo file: upright, opaque, in sRGB. The one reader of training and evaluation.

    The EXIF orientation is applied, the file's colours (a profile, or what else describes them) become sRGB, and
    transparency is dropped, as a network sees the photo in `snadnet.Deblurrer`. More than 8 bits are rounded to 8.

    Args:
        path: A regular file.
        limits: What is read at most.

    Returns:
        uint8 RGB ``(H, W, 3)``; the three channels of a grey photo are equal.

    Raises:
        PhotoError: If `read_photo` refuses the file.
    """
    return eight_bits(read_photo(path, limits=limits).without_metadata().pixels)


def read_photo_bytes(data: bytes, *, name: str, limits: Limits = _LIMITS) -> Photo:
    """Read a photo from a file's content, as `read_photo` does from a file.

    Args:
        data: The content.
        name: What errors call the photo, such as "standard input".
        limits: What is read at most.

    Raises:
        PhotoError: If `read_photo` would refuse the file.
    """
    return _decode(data, name=printable(name), limits=limits)


def photo_from_image(image: Image.Image, *, limits: Limits = _LIMITS) -> Photo:
    """Return a photo from a Pillow image, with orientation, profile, EXIF and transparency handled as for a file.

    Args:
        image: An image, loaded or just opened; it is not changed (but may be loaded). Of more than 8 bits in several
            channels Pillow keeps 8 once it is loaded.
        limits: What is accepted at most.

    Raises:
        PhotoError: If the image is over the limit, of floating-point values, or its file is damaged.
    """
    with SILENCE:
        data = _file_content(image, limits)
        # Of more than 8 bits Pillow keeps the upper 8: these are read from the file, and the image stays as it is.
        opened = _opened_again(data, "the image", image.tell()) if data and image.format in _DEEP_FORMATS else image
        return _photo_from_image(opened, data, name="the image", limits=limits)


def photo_from_array(array: NDArray[Any]) -> Photo:
    """Return a photo from an array of RGB, RGBA or grey values.

    Args:
        array: (H, W, 3), (H, W, 4) or (H, W), uint8, uint16 (up to 65535) or floating point in [0, 1], which becomes
            uint8. It is copied.

    Raises:
        PhotoError: If the shape, type or value range is another one.
    """
    if array.ndim not in {2, 3} or (array.ndim == 3 and array.shape[2] not in {3, 4}) or 0 in array.shape:  # noqa: PLR2004
        raise PhotoError(f"the array has shape {array.shape}; give (H, W, 3), (H, W, 4) or (H, W), none of them 0")
    if np.issubdtype(array.dtype, np.floating):
        # NaN fails both comparisons.
        if not (array.min() >= 0 and array.max() <= 1):
            raise PhotoError("the array has values outside [0, 1]; scale and clip floating-point pixels to it")
        values: Pixels = to_uint8(array.astype(np.float64))
    elif array.dtype in PEAKS:
        values = array.copy()
    else:
        raise PhotoError(f"the array is of type {array.dtype}; give uint8, uint16, or floating point in [0, 1]")
    grey = values.ndim == 2  # noqa: PLR2004
    pixels = np.repeat(values[..., None], 3, axis=2) if grey else np.ascontiguousarray(values[..., :3])
    alpha = np.ascontiguousarray(values[..., 3]) if values.shape[2:] == (4,) else None
    return Photo(
        pixels=pixels,
        alpha=alpha,
        grey=grey,
        format="PNG",
        icc_profile=None,
        exif=None,
        path=None,
        bits=8 * values.dtype.itemsize,
    )


def _check_file_size(size: int, name: str, limits: Limits) -> None:
    if size == 0:
        raise PhotoError(f"{name}: is empty; copy it again from its source")
    if size > limits.max_file_bytes:
        raise PhotoError(
            f"{name}: is {size / 1e6:.1f} MB large, more than the limit of"
            f" {limits.max_file_bytes / 1e6:g} MB; save it smaller"
        )


def _decode(data: bytes, *, name: str, limits: Limits) -> Photo:
    _check_file_size(len(data), name, limits)
    if has_too_many_pieces(data):
        raise PhotoError(f"{name}: is made of more than {MAX_PIECES} pieces; save it again with another program")
    with SILENCE:
        try:
            return _decode_once(data, name=name, limits=limits)
        except _DamagedError as error:
            bare = without_extras(data)
            if len(bare) == len(data):
                raise
            try:
                photo = _decode_once(bare, name=name, limits=limits)
            except PhotoError:
                raise error from error.__cause__
    return replace(photo, notes=("its metadata is damaged and is left out", *photo.notes))


def _decode_once(data: bytes, *, name: str, limits: Limits) -> Photo:
    with _open_image(data, name) as image:
        photo = _photo_from_image(image, data, name=name, limits=limits)
        return replace(photo, lossless=image.format in _LOSSLESS_FORMATS or _is_lossless_webp(data))


def _open_image(data: bytes, name: str) -> Image.Image:
    try:
        return open_heic(data, name) if is_heic(data) else open_image(data, FORMATS)
    except PhotoError:
        raise
    except Image.DecompressionBombError as error:
        raise PhotoError(f"{name}: is far too large an image to decode; save it smaller") from error
    except Exception as error:
        raise _DamagedError(f"{name}: is not a photo that can be read; give a {FORMATS_IN_WORDS} file") from error


def _file_content(image: Image.Image, limits: Limits) -> bytes:
    """The file that an image is opened from, for what Pillow does not say of it; empty once it is loaded."""
    file = getattr(image, "fp", None) if getattr(image, "tile", None) else None
    if file is None or image.format not in _ASKED_FORMATS:
        return b""
    try:
        place = file.tell()
        file.seek(0)
        data: bytes = file.read(limits.max_file_bytes + 1)
        file.seek(place)
    except (OSError, ValueError):
        return b""
    return data if len(data) <= limits.max_file_bytes else b""


def _opened_again(data: bytes, name: str, frame: int) -> Image.Image:
    image = _open_image(data, name)
    if frame:
        image.seek(frame)
    return image


def _photo_from_image(image: Image.Image, data: bytes, *, name: str, limits: Limits) -> Photo:
    _check_image(image, name=name, limits=limits)
    _check_range(image, data, name=name)
    try:
        before = look_before_loading(image)
        impostors = has_impostors(image)
        samples = load_samples(image, data, reopen=lambda: _opened_again(data, name, image.tell()))
    except ColoursError as error:
        raise _DamagedError(f"{name}: has colours of an unsupported kind ({error}); save it as RGB") from error
    except Exception as error:
        raise _DamagedError(f"{name}: is damaged or cut short; copy it again from its source") from error
    if impostors or has_impostors(image):
        raise _DamagedError(f"{name}: has damaged metadata; save it again with another program")
    height, width = samples.pixels.shape[:2]
    try:
        adobe_rgb = before.adobe_rgb or says_adobe_rgb(image)
        profile, profile_notes = colour_profile(image, data, grey=samples.grey, adobe_rgb=adobe_rgb)
        metadata = read_metadata(image, (width, height), before)
    except Exception as error:
        raise _DamagedError(f"{name}: has damaged metadata; save it again with another program") from error
    return Photo(
        pixels=samples.pixels,
        alpha=samples.alpha,
        grey=samples.grey,
        bits=samples.bits,
        format="JPEG" if image.format == "MPO" else image.format if image.format in {*FORMATS, "HEIF"} else "PNG",
        icc_profile=profile,
        exif=metadata.exif,
        path=None,
        jpeg=before.jpeg,
        dpi=metadata.dpi,
        xmp=metadata.xmp,
        iptc=metadata.iptc,
        texts=metadata.texts,
        notes=(
            *samples.notes,
            *_frame_notes(image),
            *profile_notes,
            *_appended_notes(image, data, metadata),
            *metadata.notes,
        ),
    )


def _check_image(image: Image.Image, *, name: str, limits: Limits) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise PhotoError(f"{name}: has no pixels; give a photo")
    if width * height > limits.max_pixels:
        raise PhotoError(
            f"{name}: is {width} x {height} pixels ({width * height / 1e6:.1f} Mpx), more than the"
            f" limit of {limits.max_pixels / 1e6:g} Mpx; save it smaller"
        )
    try:
        bits = file_bits(image, b"")
    except Exception as error:
        raise _DamagedError(f"{name}: is damaged or cut short; copy it again from its source") from error
    if bits > DEPTHS[-1]:
        raise PhotoError(
            f"{name}: has floating-point or signed values, or more than 16 bits a channel; save a copy of it with 16"
        )


def _check_range(image: Image.Image, data: bytes, *, name: str) -> None:
    codes = colour_codes(image, data)
    if codes is not None and codes.hdr:
        raise PhotoError(
            f"{name}: is a photo of high dynamic range ({codes.hdr}), which would lose its brightness here;"
            " save it as an ordinary photo, in sRGB or Display P3"
        )


def _frame_notes(image: Image.Image) -> tuple[str, ...]:
    notes = []
    number = image.tell() + 1
    if image.format == "TIFF":
        # Counting the pages of a hostile file would take very long.
        if getattr(image, "is_animated", False):
            notes.append("first of several pages" if number == 1 else f"page {number} of several")
    elif (frames := int(getattr(image, "n_frames", 1))) > 1:
        kind = "image" if image.format == "MPO" else "frame"
        notes.append(f"first of {frames} {kind}s" if number == 1 else f"{kind} {number} of {frames}")
    if image.mode == "CMYK":
        notes.append("CMYK colours became RGB")
    return tuple(notes)


def _appended_notes(image: Image.Image, data: bytes, metadata: Metadata) -> tuple[str, ...]:
    # Of an MPO it is said already how many images there are.
    is_new = image.format != "MPO" and APPENDED_NOTE not in metadata.notes
    return (APPENDED_NOTE,) if is_new and has_appended(data) else ()


def _is_lossless_webp(data: bytes) -> bool:
    # The pixels' chunk comes first, or behind an extended header among others.
    return data[8:16] == b"WEBPVP8L" or (data[8:16] == b"WEBPVP8X" and b"VP8L" in data)
