"""Limits of the clips that are read."""

from dataclasses import dataclass, fields
from typing import Final

from snadnet.errors import ConfigError
from snadnet.photo import MAX_PIXELS

MAX_CLIP_BYTES: Final = 4_000_000_000
"""Largest clip that is read, in bytes (4 GB)."""

MAX_FRAMES: Final = 20_000
"""Most frames of a clip: 11 minutes at 30 frames a second."""


@dataclass(frozen=True)
class VideoLimits:
    """Limits of a clip. What its header says is checked before any frame is decoded, and what comes is counted.

    Attributes:
        max_file_bytes: The largest file to read, in bytes.
        max_pixels: The largest frame to decode, width times height.
        max_frames: The most frames.

    Raises:
        ConfigError: If a limit is below 1.
    """

    max_file_bytes: int = MAX_CLIP_BYTES
    max_pixels: int = MAX_PIXELS
    max_frames: int = MAX_FRAMES

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ConfigError(f"{field.name} {getattr(self, field.name)} is out of range; choose at least 1")
