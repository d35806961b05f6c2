"""What is read at most; every limit has a name, and the ones that a person may want to move are in `Limits`."""

from dataclasses import dataclass, fields
from typing import Final

from snadnet.errors import ConfigError

MAX_FILE_BYTES: Final = 100_000_000
"""Largest file that is read, in bytes (100 MB)."""

MAX_PIXELS: Final = 50_000_000
"""Largest picture that is decoded, in pixels (50 Mpx)."""

# Below PngImagePlugin.MAX_TEXT_CHUNK: a larger piece could be written to a PNG, but not read back.
MAX_METADATA_BYTES: Final = 1_000_000
"""Largest colour profile, EXIF, XMP, IPTC and, all together, texts that are kept, in bytes (1 MB)."""

MAX_PIECES: Final = 100_000
"""Most chunks of a PNG, or segments before the pixels of a JPEG, that are looked at."""


@dataclass(frozen=True)
class Limits:
    """What is read at most. Each limit holds before any pixel is decoded.

    Attributes:
        max_file_bytes: the largest file to read, in bytes.
        max_pixels: the largest picture to decode, width times height.

    Raises:
        ConfigError: a limit is below 1.
    """

    max_file_bytes: int = MAX_FILE_BYTES
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ConfigError(f"{field.name} {getattr(self, field.name)} is out of range; choose at least 1")
