"""A photo: its pixels plus all that must survive the trip (transparency, colour profile, EXIF, texts, greyness)."""

from snadnet.photo.colour import ColourBridge
from snadnet.photo.limits import MAX_FILE_BYTES, MAX_METADATA_BYTES, MAX_PIXELS, Limits
from snadnet.photo.reading import photo_from_array, photo_from_image, read_photo, read_photo_bytes, read_srgb
from snadnet.photo.types import (
    FORMATS,
    INPUT_SUFFIXES,
    SUFFIXES,
    JpegCoding,
    Photo,
    Text,
    is_url,
    path_text,
    printable,
    refused_url,
)
from snadnet.photo.writing import encode_photo, encoding_notes, write_bytes, write_photo

__all__ = [
    "FORMATS",
    "INPUT_SUFFIXES",
    "MAX_FILE_BYTES",
    "MAX_METADATA_BYTES",
    "MAX_PIXELS",
    "SUFFIXES",
    "ColourBridge",
    "JpegCoding",
    "Limits",
    "Photo",
    "Text",
    "encode_photo",
    "encoding_notes",
    "is_url",
    "path_text",
    "photo_from_array",
    "photo_from_image",
    "printable",
    "read_photo",
    "read_photo_bytes",
    "read_srgb",
    "refused_url",
    "write_bytes",
    "write_photo",
]
