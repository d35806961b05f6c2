"""Colour profiles: between a photo's own colours and sRGB, in which the network works.

A photo keeps its own colours, and only what the network is shown is sRGB. `ColourBridge` takes crops there, and
brings back what changed.
"""

import io
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from snadnet.image_arrays import to_float, to_uint8

RELATIVE: Final = ImageCms.Intent.RELATIVE_COLORIMETRIC
# Little CMS keeps the last colour inside a transform, which threads that share it would mix up.
_FLAGS: Final = ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOCACHE
# What Little CMS raises for a profile that it cannot use.
_UNUSABLE: Final = (ImageCms.PyCMSError, OSError, ValueError, TypeError)
# Two 8-bit roundings can part sRGB by this from a profile that is sRGB under another name.
_SAME: Final = 2


def profile_space(profile: bytes) -> str | None:
    """Return the colour space of an ICC profile as four letters ("RGB ", "GRAY", "CMYK"); None if it is broken."""
    try:
        return str(ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space)
    except _UNUSABLE:
        return None


class ColourBridge:
    """Conversion between a photo's own colours and sRGB.

    Without a profile, with one that is sRGB in all but name, or with one that cannot be computed both ways, the two
    are the same, and nothing is rounded.

    Args:
        icc_profile: The profile of an RGB photo, or of the grey values of a grey one; or None.
        grey: Whether the photo is grey.
    """

    def __init__(self, icc_profile: bytes | None, *, grey: bool = False) -> None:
        self._grey = grey
        self._transforms = None if icc_profile is None else _transforms(icc_profile, grey)

    def to_srgb(self, crop: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a crop in the photo's own colours, (H, W, 3) float32 in [0, 1], in sRGB, to 8 bits."""
        if self._transforms is None:
            return crop
        return to_float(_applied(self._transforms[0], to_uint8(crop), grey=self._grey))

    def residual(self, before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the change between two sRGB crops, (H, W, 3) float32 in [0, 1], in the photo's own colours.

        It is exactly 0 where nothing changed (in 8 bits), also of a colour that sRGB cannot show: to be added to
        the crop that `to_srgb` was given.
        """
        if self._transforms is None:
            return after - before
        own_before, own_after = (
            to_float(_applied(self._transforms[1], to_uint8(crop), grey=self._grey)) for crop in (before, after)
        )
        return own_after - own_before


def srgb_pixels(pixels: NDArray[np.uint8], *, grey: bool, icc_profile: bytes | None) -> NDArray[np.uint8]:
    """Return a photo's pixels (H, W, 3) in sRGB; the same array if they are sRGB already or the profile is unusable."""
    transforms = None if icc_profile is None else _transforms(icc_profile, grey)
    return pixels if transforms is None else _applied(transforms[0], pixels, grey=grey)


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


_Transforms = tuple[ImageCms.ImageCmsTransform, ImageCms.ImageCmsTransform]


@lru_cache(maxsize=4)  # the photos of one folder mostly share a profile
def _transforms(icc_profile: bytes, grey: bool) -> _Transforms | None:
    """To sRGB and back; None if they would do nothing or there is no way back."""
    mode: Literal["L", "RGB"] = "L" if grey else "RGB"
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
        srgb = ImageCms.createProfile("sRGB")
        there = ImageCms.buildTransform(own, srgb, mode, "RGB", RELATIVE, _FLAGS)
        back = ImageCms.buildTransform(srgb, own, "RGB", mode, RELATIVE, _FLAGS)
    except _UNUSABLE:
        return None
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    if grey:
        colours = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    change = np.abs(_applied(there, colours, grey=grey).astype(np.int16) - colours)
    return None if change.max() <= _SAME else (there, back)


def _applied(transform: ImageCms.ImageCmsTransform, pixels: NDArray[np.uint8], *, grey: bool) -> NDArray[np.uint8]:
    image = Image.fromarray(pixels)
    if transform.input_mode == "L":
        image = image.getchannel(1)
    result = np.asarray(ImageCms.applyTransform(image, transform))
    if grey:
        # Grey stays grey to the bit, whichever way the white point was rounded.
        one = result if result.ndim == 2 else result[..., 1]  # noqa: PLR2004
        return np.repeat(one[..., None], 3, axis=2)
    return result
