"""Feeds bytes that atheris makes up to the reader: every input is a photo or one clear line, and nothing else.

See fuzz/README.md for how to run it.
"""

import sys

import atheris

with atheris.instrument_imports(include=["PIL", "snadnet"]):
    from snadnet.errors import PhotoError
    from snadnet.photo import Limits, encode_photo, read_photo_bytes

# Small images: what is hunted is in the headers, and a large image only takes time.
LIMITS = Limits(max_file_bytes=1_000_000, max_pixels=250_000)
NAME = "input"
# One lossless format that holds nearly everything, and the two with the most rules of their own.
FORMATS = ("PNG", "TIFF", "JPEG")


def read_and_write(data: bytes) -> None:
    """Read a photo and write it again, as far as it can be read."""
    try:
        photo = read_photo_bytes(data, name=NAME, limits=LIMITS)
    except PhotoError as error:
        check_line(str(error))
        return
    height, width = photo.pixels.shape[:2]
    if not 1 <= width * height <= LIMITS.max_pixels or (
        photo.alpha is not None and photo.alpha.shape != (height, width)
    ):
        raise AssertionError(f"a photo of {photo.pixels.shape} with {photo.alpha}")
    for note in photo.notes:
        check_line(f"{NAME}: {note}")
    photo.without_metadata()
    # One of them, chosen by the input itself, so that the same input always does the same.
    format_name = FORMATS[len(data) % len(FORMATS)]
    try:
        written = encode_photo(photo, format_name, name=NAME)
    except PhotoError as error:
        check_line(str(error))
        if photo.alpha is None:
            raise
        return
    again = read_photo_bytes(written, name=NAME)
    if format_name != "JPEG" and not (again.pixels == photo.pixels).all():
        raise AssertionError(f"{format_name} changed the pixels")


def check_line(line: str) -> None:
    """A person can read it: one line that begins with the name."""
    if not line.startswith(f"{NAME}: ") or "\n" in line or not line.isprintable():
        raise AssertionError(f"not one clear line: {line!r}")


if __name__ == "__main__":
    atheris.Setup(sys.argv, read_and_write)
    atheris.Fuzz()
