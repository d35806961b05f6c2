"""A photo: its pixels plus all that must survive the trip (transparency, colour profile, EXIF, greyness)."""

from snadnet.photo.reading import MAX_FILE_BYTES, MAX_PIXELS, photo_from_array, photo_from_image, read_photo
from snadnet.photo.types import FORMATS, SUFFIXES, JpegCoding, Photo, shown
from snadnet.photo.writing import write_photo

__all__ = [
    "FORMATS",
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "SUFFIXES",
    "JpegCoding",
    "Photo",
    "photo_from_array",
    "photo_from_image",
    "read_photo",
    "shown",
    "write_photo",
]
