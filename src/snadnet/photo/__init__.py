"""A photo: its pixels plus all that must survive the trip (transparency, colour profile, EXIF, texts, greyness)."""

from typing import TYPE_CHECKING, Final

from snadnet.lazy import load_lazily

if TYPE_CHECKING:
    from snadnet.photo.colour import ColourBridge
    from snadnet.photo.formats import FORMATS, INPUT_SUFFIXES, SUFFIXES, is_url, path_text, printable, refused_url
    from snadnet.photo.limits import MAX_FILE_BYTES, MAX_METADATA_BYTES, MAX_PIXELS, Limits
    from snadnet.photo.reading import photo_from_array, photo_from_image, read_photo, read_photo_bytes, read_srgb
    from snadnet.photo.types import JpegCoding, Photo, Text
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

# Each is loaded when it is first asked for.
_MODULES: Final = {
    "snadnet.photo.colour": ("ColourBridge",),
    "snadnet.photo.limits": (
        "MAX_FILE_BYTES",
        "MAX_METADATA_BYTES",
        "MAX_PIXELS",
        "Limits",
    ),
    "snadnet.photo.reading": (
        "photo_from_array",
        "photo_from_image",
        "read_photo",
        "read_photo_bytes",
        "read_srgb",
    ),
    "snadnet.photo.formats": (
        "FORMATS",
        "INPUT_SUFFIXES",
        "SUFFIXES",
        "is_url",
        "path_text",
        "printable",
        "refused_url",
    ),
    "snadnet.photo.types": ("JpegCoding", "Photo", "Text"),
    "snadnet.photo.writing": (
        "encode_photo",
        "encoding_notes",
        "write_bytes",
        "write_photo",
    ),
}
__getattr__ = load_lazily(__name__, _MODULES)
