"""Standard input as a photo, and standard output as the place of its result."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer

from snadnet.batch.streams import STREAM
from snadnet.cli.shared.progress import is_terminal
from snadnet.cli.shared.standard_streams import is_closed
from snadnet.errors import PhotoError

_CHUNK: Final = 1 << 20


def check_streams(photos: Sequence[Path], out: Path | None, *, one_file: bool, out_is_file: bool, beside: bool) -> None:
    """Refuse a stream that would carry anything but one photo.

    Args:
        photos: The photos as they were given.
        out: The output as it was given, or None if it was not.
        one_file: Whether the photos are one file or standard input.
        out_is_file: Whether the output is a file, neither a folder nor standard output.
        beside: Whether other images are to be written beside the result.

    Raises:
        typer.BadParameter: If a stream cannot be used as asked, or is a terminal.
    """
    if STREAM in photos:
        if not one_file:
            raise typer.BadParameter("- (standard input) is one photo; do it by itself", param_hint="PHOTO")
        if out != STREAM and not out_is_file:
            raise typer.BadParameter(
                "a photo from standard input has no name; give that of the result, such as out.png, or -",
                param_hint="-o",
            )
        if is_closed(sys.stdin):
            raise typer.BadParameter("standard input is closed; send a photo to it", param_hint="PHOTO")
        if is_terminal(sys.stdin):
            raise typer.BadParameter(
                "standard input is a terminal; send a photo to it, as in: snadnet deblur - -o out.jpg < in.jpg",
                param_hint="PHOTO",
            )
    if out == STREAM:
        if not one_file:
            raise typer.BadParameter("- (standard output) takes one photo; name a folder", param_hint="-o")
        if beside:
            raise typer.BadParameter(
                "- (standard output) takes the result only; name a file for --compare and --draw-boxes",
                param_hint="-o",
            )
        if is_closed(sys.stdout):
            raise typer.BadParameter("standard output is closed; name a file", param_hint="-o")
        if is_terminal(sys.stdout):
            raise typer.BadParameter(
                "standard output is a terminal; send it on, as in: snadnet deblur in.jpg -o - > out.jpg",
                param_hint="-o",
            )


def read_standard_input(max_bytes: int) -> bytes:
    """Read all of standard input.

    Args:
        max_bytes: Where reading ends with an error.

    Raises:
        PhotoError: If there is more than ``max_bytes``.
    """
    # In pieces: memory grows with what comes, not with the limit.
    content = bytearray()
    while piece := sys.stdin.buffer.read(min(_CHUNK, max_bytes + 1 - len(content))):
        content += piece
        if len(content) > max_bytes:
            raise PhotoError(
                f"standard input: is larger than the limit of {max_bytes / 1e6:g} MB; send a smaller photo, or raise"
                " --max-file-size"
            )
    return bytes(content)
