"""Colour profiles: between a photo's own colours and sRGB, in which the network works.

A photo keeps its own colours, and only what the network is shown is sRGB. `ColourBridge` takes crops there, and
brings back what changed.
"""

import io
from functools import lru_cache
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from snadnet.image_arrays import Pixels, to_float, to_pixels, to_uint8
from snadnet.photo.matrix_profiles import matrix_profile

RELATIVE: Final = ImageCms.Intent.RELATIVE_COLORIMETRIC
# Little CMS keeps the last colour inside a transform, which threads that share it would mix up.
_FLAGS: Final = ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOCACHE
# What Little CMS raises for a profile that it cannot use.
_UNUSABLE: Final = (ImageCms.PyCMSError, OSError, ValueError, TypeError)
# Two 8-bit roundings can part sRGB by this from a profile that is sRGB under another name.
_SAME: Final = 2
_ROWS_AT_ONCE: Final = 256


def profile_space(profile: bytes) -> str | None:
    """Return the colour space of an ICC profile as four letters ("RGB ", "GRAY", "CMYK"); None if it is broken."""
    try:
        return str(ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space)
    except _UNUSABLE:
        return None


class ColourBridge:
    """Conversion between a photo's own colours and sRGB.

    Without a profile, with one that is sRGB in all but name, or with one that cannot be computed both ways, the two
    are the same. A profile that is a matrix and curves, as nearly all of photos are, is computed without rounding, any
    other to 8 bits.

    Args:
        icc_profile: The profile of an RGB photo, or of the grey values of a grey one; or None.
        grey: Whether the photo is grey.
    """

    def __init__(self, icc_profile: bytes | None, *, grey: bool = False) -> None:
        self._conversion = None if icc_profile is None else _conversion(icc_profile, grey)

    def to_srgb(self, crop: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a crop in the photo's own colours, (H, W, 3) float32 in [0, 1], in sRGB."""
        return crop if self._conversion is None else self._conversion.forth(crop)

    def residual(self, before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the change between two sRGB crops, (H, W, 3) float32 in [0, 1], in the photo's own colours.

        It is exactly 0 where nothing changed, also of a colour that sRGB cannot show: to be added to the crop that
        `to_srgb` was given.
        """
        if self._conversion is None:
            return after - before
        return self._conversion.back(after) - self._conversion.back(before)


def srgb_pixels(pixels: Pixels, *, grey: bool, icc_profile: bytes | None) -> Pixels:
    """Return a photo's pixels (H, W, 3) in sRGB; the same array if they are sRGB already or the profile is unusable."""
    conversion = None if icc_profile is None else _conversion(icc_profile, grey)
    if conversion is None:
        return pixels
    result = np.empty_like(pixels)
    # By parts: a photo of 50 megapixels takes 600 MB as floating-point numbers.
    for top in range(0, len(pixels), _ROWS_AT_ONCE):
        part = pixels[top : top + _ROWS_AT_ONCE]
        result[top : top + _ROWS_AT_ONCE] = to_pixels(conversion.forth(to_float(part)), pixels.dtype)
    return result


def cmyk_to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert through the file's own profile where that is a sound CMYK one, else by Pillow's plain formula."""
    if profile is not None and profile_space(profile) == "CMYK":
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
        except _UNUSABLE:
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")


class _Conversion(Protocol):
    """From a profile's colours to sRGB and back, each (..., 3) in [0, 1]."""

    def forth(self, own: NDArray[np.float32]) -> NDArray[np.float32]: ...

    def back(self, srgb: NDArray[np.float32]) -> NDArray[np.float32]: ...


class _LittleCms:
    """A conversion by Little CMS, to 8 bits.

    Raises:
        Exception: One of `_UNUSABLE`, if there is no way there or back.
    """

    def __init__(self, icc_profile: bytes, *, grey: bool) -> None:
        mode: Literal["L", "RGB"] = "L" if grey else "RGB"
        own, srgb = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile)), ImageCms.createProfile("sRGB")
        self._grey = grey
        self._forth = ImageCms.buildTransform(own, srgb, mode, "RGB", RELATIVE, _FLAGS)
        self._back = ImageCms.buildTransform(srgb, own, "RGB", mode, RELATIVE, _FLAGS)

    def forth(self, own: NDArray[np.float32]) -> NDArray[np.float32]:
        return to_float(self._applied(self._forth, to_uint8(own)))

    def back(self, srgb: NDArray[np.float32]) -> NDArray[np.float32]:
        return to_float(self._applied(self._back, to_uint8(srgb)))

    def _applied(self, transform: ImageCms.ImageCmsTransform, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        image = Image.fromarray(pixels)
        if transform.input_mode == "L":
            image = image.getchannel(1)
        result = np.asarray(ImageCms.applyTransform(image, transform))
        if self._grey:
            # Grey stays grey to the bit, whichever way the white point was rounded.
            one = result if result.ndim == 2 else result[..., 1]  # noqa: PLR2004
            return np.repeat(one[..., None], 3, axis=2)
        return result


@lru_cache(maxsize=4)  # the photos of one folder mostly share a profile
def _conversion(icc_profile: bytes, grey: bool) -> _Conversion | None:
    """The conversion of a profile; None if it would do nothing or there is no way back."""
    try:
        # Whether it is sound is for Little CMS to say.
        conversion: _Conversion = _LittleCms(icc_profile, grey=grey)
    except _UNUSABLE:
        return None
    conversion = matrix_profile(icc_profile, grey=grey) or conversion
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    if grey:
        colours = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    change = np.abs(to_uint8(conversion.forth(to_float(colours))).astype(np.int16) - colours)
    return None if change.max() <= _SAME else conversion
