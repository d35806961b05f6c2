"""Standard input and output as the places of a photo and of its result."""

import sys
from pathlib import Path
from typing import Final

from snadnet.errors import PhotoError

STREAM: Final = Path("-")
"""Stands for standard input among the photos, and for standard output as the place of the result."""


def write_standard_output(content: bytes) -> None:
    """Write a whole photo to standard output.

    Raises:
        PhotoError: If nobody reads it, or it goes to a full disk.
    """
    try:
        # Without Python's buffer, which would try once more at the end what failed here.
        with open(sys.stdout.fileno(), "wb", buffering=0, closefd=False) as stream:
            left = memoryview(content)
            while left:
                left = left[stream.write(left) :]
    except OSError as error:
        raise PhotoError(f"standard output: cannot be written ({error.strerror}); check what it is sent to") from error
