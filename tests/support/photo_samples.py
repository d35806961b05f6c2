"""Small pictures and metadata for the tests of photos."""

import functools

import numpy as np
from PIL import ExifTags, Image, ImageCms

# EXIF orientation -> how numpy undoes it: the stored rows and columns of an upright (H, W) picture.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


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


def _s15_fixed16(*values):
    return b"".join(round(value * 65536).to_bytes(4, signed=True) for value in values)


def _profile(space, gamma, tags):
    """A display profile of version 2 with one gamma: its header, the list of tags, and their contents."""
    contents = {b"wtpt": b"XYZ " + bytes(4) + _s15_fixed16(0.9642, 1.0, 0.8249)}
    curve = b"curv" + bytes(4) + (1).to_bytes(4) + round(gamma * 256).to_bytes(2) + bytes(2)
    contents |= {name: curve if value is None else b"XYZ " + bytes(4) + _s15_fixed16(*value) for name, value in tags}
    place = 128 + 4 + 12 * len(contents)
    listing, data = b"", b""
    for name, content in contents.items():
        listing += name + (place + len(data)).to_bytes(4) + len(content).to_bytes(4)
        data += content
    head = b"\2\x10\0\0mntr" + space + b"XYZ " + bytes(12) + b"acsp" + bytes(28) + _s15_fixed16(0.9642, 1.0, 0.8249)
    size = (place + len(data)).to_bytes(4)
    return (size + bytes(4) + head).ljust(128, b"\0") + len(contents).to_bytes(4) + listing + data


WIDE_GAMMA = 563 / 256
# Red, green and blue of Adobe RGB (1998), and of sRGB, in XYZ under D50: the columns of their matrices.
WIDE_PRIMARIES = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB_PRIMARIES = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))


def wide_profile():
    """The profile of Adobe RGB (1998)."""
    colorants = zip((b"rXYZ", b"gXYZ", b"bXYZ"), WIDE_PRIMARIES, strict=True)
    return _profile(b"RGB ", WIDE_GAMMA, [*colorants, (b"rTRC", None), (b"gTRC", None), (b"bTRC", None)])


def grey_profile(gamma=1.8):
    return _profile(b"GRAY", gamma, [(b"kTRC", None)])


def wide_to_srgb(pixels):
    """By the definitions of the two spaces, in float64; (H, W, 3) uint8 in and out."""
    linear = (pixels / 255) ** WIDE_GAMMA
    linear = linear @ np.array(WIDE_PRIMARIES) @ np.linalg.inv(np.array(SRGB_PRIMARIES))
    linear = linear.clip(0, 1)
    return np.rint(255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))
