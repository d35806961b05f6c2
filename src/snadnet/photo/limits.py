"""Limits of what is read; those that a user may want to change are in `Limits`."""

from dataclasses import dataclass, fields
from typing import Final

from snadnet.errors import ConfigError

MAX_FILE_BYTES: Final = 100_000_000
"""Largest file that is read, in bytes (100 MB)."""

MAX_PIXELS: Final = 50_000_000
"""Largest image that is decoded, in pixels (50 Mpx)."""

# Below PngImagePlugin.MAX_TEXT_CHUNK: a larger piece could be written to a PNG, but not read back.
MAX_METADATA_BYTES: Final = 1_000_000
"""Largest colour profile, EXIF, XMP, IPTC and, all together, texts that are kept, in bytes (1 MB)."""

MAX_PIECES: Final = 100_000
"""Most chunks of a PNG, or segments before the pixels of a JPEG, that are looked at."""


@dataclass(frozen=True)
class Limits:
    """Limits of what is read. Each holds before any pixel is decoded.

    Attributes:
        max_file_bytes: The largest file to read, in bytes.
        max_pixels: The largest image to decode, width times height.

    Raises:
        ConfigError: If a limit is below 1.
    """

    max_file_bytes: int = MAX_FILE_BYTES
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ConfigError(f"{field.name} {getattr(self, field.name)} is out of range; choose at least 1")
