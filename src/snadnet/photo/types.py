"""Photos in memory: the `Photo` type, the formats it comes in and how its name is shown."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from snadnet.image_arrays import Pixels, in_type
from snadnet.photo.colour import srgb_pixels

BYTE_BITS: Final = 8

DEPTHS: Final = (BYTE_BITS, 10, 12, 16)
"""How many bits a channel of a photo can have."""


@dataclass(frozen=True)
class JpegCoding:
    """Compression of a JPEG, so that a copy can be compressed alike.

    Attributes:
        tables: Its quantisation tables, 64 values each.
        subsampling: Pillow's number of its chroma subsampling: 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0.
    """

    tables: tuple[tuple[int, ...], ...]
    subsampling: int


@dataclass(frozen=True)
class Text:
    """A text that a file carries, such as a PNG's text chunk or a JPEG's comment.

    Attributes:
        keyword: What the text is, 1 to 79 Latin-1 characters, such as "Comment" or "Author".
        value: The text itself.
        language: The value's language, such as "de", or "".
        translated: The keyword in that language, or "".
    """

    keyword: str
    value: str
    language: str = ""
    translated: str = ""


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photo; ``np.asarray(photo)`` gives its pixels.

    Attributes:
        pixels: (H, W, 3) RGB, upright (the EXIF orientation is applied): uint8, or uint16 of more than 8 bits, in which
            white is 65535 whatever the file's depth.
        alpha: (H, W) transparency of the pixels' type, or None if the file had none.
        grey: Whether the file had one colour channel; such a photo is written back as grey.
        format: Pillow's name of its format, one of `FORMATS` or "HEIF"; "PNG" for arrays.
        icc_profile: The colour profile of ``pixels`` (of their grey values, if ``grey``), or None (sRGB).
        exif: EXIF bytes as Pillow takes them, orientation reset to 1 and thumbnail dropped, or None.
        path: The file it came from, or None.
        jpeg: How it was compressed if it was an RGB or grey JPEG, else None.
        lossless: Whether its file kept every pixel as it was; such a photo is written to WebP so, too.
        dpi: Resolution across and down in pixels an inch, or None.
        xmp: The XMP packet, true to the upright image, or None.
        iptc: The IPTC record (a press photo's caption and credits), or None.
        texts: The file's texts.
        bits: How many bits each channel has in its file: 8, 10, 12 or 16; 8 if the pixels are uint8, and only then. A
            format that can hold as many is written with as many.
        notes: Plain words for the user about what was left out or changed in reading, such as
            "first of 12 frames".
    """

    pixels: Pixels
    alpha: Pixels | None
    grey: bool
    format: str
    icc_profile: bytes | None
    exif: bytes | None
    path: Path | None
    jpeg: JpegCoding | None = None
    lossless: bool = True
    dpi: tuple[float, float] | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    texts: tuple[Text, ...] = ()
    notes: tuple[str, ...] = ()
    bits: int = 8

    def __post_init__(self) -> None:
        dtype = np.uint8 if self.bits == BYTE_BITS else np.uint16
        if self.bits not in DEPTHS or any(
            plane is not None and plane.dtype != dtype for plane in (self.pixels, self.alpha)
        ):
            raise ValueError(f"the photo has {self.bits} bits and {self.pixels.dtype} pixels: uint8 goes with 8 bits")

    def with_pixels(self, pixels: Pixels) -> "Photo":
        """Return the same photo with other pixels.

        Args:
            pixels: (H, W, 3) RGB of this photo's size and type.

        Raises:
            ValueError: If ``pixels`` has another shape or type.
        """
        if pixels.shape != self.pixels.shape or pixels.dtype != self.pixels.dtype:
            raise ValueError(
                f"pixels must be {self.pixels.dtype} {self.pixels.shape}, not {pixels.dtype} {pixels.shape}:"
                " keep the size and the type"
            )
        return replace(self, pixels=pixels)

    def with_bits(self, bits: int) -> "Photo":
        """Return the same photo with so many bits a channel, of `DEPTHS`; the same object if it has them already.

        Pixels are rounded only from uint16 to uint8: until the photo is written, 10 and 12 bits stay on the range
        of 16.
        """
        if bits == self.bits:
            return self
        dtype = np.uint8 if bits == BYTE_BITS else np.uint16
        alpha = None if self.alpha is None else in_type(self.alpha, dtype)
        return replace(self, pixels=in_type(self.pixels, dtype), alpha=alpha, bits=bits)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.pixels, dtype=dtype, copy=copy)

    def without_metadata(self) -> "Photo":
        """Return the same photo with nothing but its pixels, which become sRGB as no profile describes them."""
        return replace(
            self,
            pixels=srgb_pixels(self.pixels, grey=self.grey, icc_profile=self.icc_profile),
            icc_profile=None,
            exif=None,
            dpi=None,
            xmp=None,
            iptc=None,
            texts=(),
        )
