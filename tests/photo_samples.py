"""Small pictures and metadata for the tests of photos."""

import functools

import numpy as np
from PIL import ExifTags, Image, ImageCms


def picture(height=5, width=7, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def exif_bytes(orientation=6, width=7, height=5):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "A maker"
    exif.get_ifd(ExifTags.IFD.Exif).update({0x9003: "2020:01:02 03:04:05", 0xA002: width, 0xA003: height})
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (1.0, 2.0, 3.0)})
    return exif.tobytes()


@functools.cache  # a profile carries the time it was made at
def profile():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def with_space(icc, letters):
    """The profile relabelled as one of another colour space."""
    return icc[:16] + letters + icc[20:]
