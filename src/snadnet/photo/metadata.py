"""What a file says besides its pixels: EXIF, colour profile and JPEG coding.

Metadata never stands between a person and a readable photo: what is broken is left out.
"""

import io
from typing import Final

from PIL import ExifTags, Image, ImageCms, ImageOps, JpegImagePlugin

from snadnet.photo.types import JpegCoding

# What the main EXIF directory says about the photo. The rest of it tells how pixels are stored (a TIFF
# lists its own strips there), which would contradict the file that it is carried into.
_DESCRIPTIVE_TAGS: Final = frozenset(
    {
        ExifTags.Base.ImageDescription,
        ExifTags.Base.Make,
        ExifTags.Base.Model,
        ExifTags.Base.Orientation,
        ExifTags.Base.XResolution,
        ExifTags.Base.YResolution,
        ExifTags.Base.ResolutionUnit,
        ExifTags.Base.Software,
        ExifTags.Base.DateTime,
        ExifTags.Base.Artist,
        ExifTags.Base.HostComputer,
        ExifTags.Base.Copyright,
        ExifTags.Base.Rating,
        ExifTags.Base.RatingPercent,
        ExifTags.Base.XPTitle,
        ExifTags.Base.XPComment,
        ExifTags.Base.XPAuthor,
        ExifTags.Base.XPKeywords,
        ExifTags.Base.XPSubject,
        ExifTags.IFD.Exif,
        ExifTags.IFD.GPSInfo,
    }
)
# EXIF has its own record of the size, which turning the picture upright can swap.
_EXIF_WIDTH_TAG: Final = 0xA002
_EXIF_HEIGHT_TAG: Final = 0xA003


def jpeg_coding(image: Image.Image) -> JpegCoding | None:
    """How an RGB or grey JPEG was compressed; None for any other picture. Ask before loading it."""
    if not isinstance(image, JpegImagePlugin.JpegImageFile) or image.mode not in {"RGB", "L"}:
        return None
    tables: dict[int, list[int]] = image.quantization
    if sorted(tables) != list(range(len(tables))) or not tables:
        return None
    # An unusual layout (-1) becomes 4:4:4, which holds any of them.
    return JpegCoding(
        tables=tuple(tuple(tables[number]) for number in range(len(tables))),
        subsampling=max(0, JpegImagePlugin.get_sampling(image)),
    )


def upright(image: Image.Image) -> Image.Image:
    """The loaded picture turned as its EXIF orientation says."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001 - broken EXIF raises nearly anything and says nothing about orientation
        return image


def clean_exif(image: Image.Image, upright_size: tuple[int, int]) -> bytes | None:
    """What EXIF says of the photo, orientation reset and thumbnail dropped; None if nothing or broken."""
    try:
        # A copy, since Pillow hands out the image's own record.
        exif = Image.Exif()
        exif.load(image.getexif().tobytes())
        for tag in set(exif) - _DESCRIPTIVE_TAGS:
            del exif[tag]
        if not exif:
            return None
        if ExifTags.Base.Orientation in exif:
            exif[ExifTags.Base.Orientation] = 1
        details = exif.get_ifd(ExifTags.IFD.Exif) if ExifTags.IFD.Exif in exif else {}
        for tag, length in zip((_EXIF_WIDTH_TAG, _EXIF_HEIGHT_TAG), upright_size, strict=True):
            if tag in details:
                details[tag] = length
        return exif.tobytes()
    except Exception:  # noqa: BLE001 - metadata never stands between a person and a readable photo
        return None


def profile_space(profile: bytes) -> str | None:
    """The colour space of an ICC profile as four letters ("RGB ", "GRAY", "CMYK"); None if it is broken."""
    try:
        return str(ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
