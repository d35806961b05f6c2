"""Colours described without an ICC profile, and the profile that means the same.

A PNG may have a cICP chunk, or gAMA and cHRM; AVIF and HEIC have a box "nclx" with the same codes as cICP (ITU-T
H.273); a camera's JPEG says Adobe RGB by the EXIF interoperability index "R03" (DCF 2.0). All of these would be lost
when the photo is written as another file. As a profile they are kept by nearly every format, and understood by
nearly every program.
"""

import math
from dataclasses import dataclass
from typing import Final

from PIL import Image

from snadnet.photo.container import box_colour_codes, png_colour_codes
from snadnet.photo.icc import Chromaticities, ColourSpace
from snadnet.photo.metadata import fitting_profile

_D65: Final = (0.3127, 0.3290)
_ILLUMINANT_C: Final = (0.310, 0.316)
_SRGB: Final[Chromaticities] = (*_D65, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060)

ADOBE_RGB: Final = ColourSpace("Adobe RGB (1998)", (*_D65, 0.640, 0.330, 0.210, 0.710, 0.150, 0.060), 563 / 256)

_UNSPECIFIED: Final = 2
# H.273, table 2: the colour primaries.
_PRIMARIES: Final[dict[int, tuple[str, Chromaticities]]] = {
    1: ("sRGB", _SRGB),
    4: ("BT.470 M", (*_ILLUMINANT_C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08)),
    5: ("BT.601 625", (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06)),
    6: ("BT.601 525", (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070)),
    7: ("SMPTE 240M", (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070)),
    8: ("film", (*_ILLUMINANT_C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049)),
    9: ("BT.2020", (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046)),
    11: ("DCI-P3", (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)),
    12: ("Display P3", (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)),
    22: ("EBU 3213", (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077)),
}
# H.273, table 3: the transfer characteristics, as a power or None for sRGB's curve. That of video cameras (1, 6, 14
# and 15) is shown as if it were sRGB's, by browsers too.
_CURVES: Final[dict[int, float | None]] = {1: None, 4: 2.2, 5: 2.8, 6: None, 8: 1.0, 13: None, 14: None, 15: None}
_HDR_CURVES: Final = {16: "PQ", 18: "HLG"}

# A PNG's gamma and primaries this close to sRGB's stand for it, as in libpng.
_SAME_GAMMA: Final = 0.05
_SAME_POINT: Final = 0.005
_MAX_GAMMA: Final = 10.0
_DAMAGED: Final = "the description of its colours is damaged or of an unknown kind and is left out"


@dataclass(frozen=True)
class ColourCodes:
    """A file's colour codes after H.273.

    Attributes:
        primaries: The code of its colour primaries.
        curve: The code of its transfer characteristics.
        source: Where the file has them, in words.
        full_range: Whether the RGB values fill the whole range.
    """

    primaries: int
    curve: int
    source: str
    full_range: bool = True

    @property
    def hdr(self) -> str | None:
        """The name of a curve of high dynamic range, "PQ" or "HLG"; None for any other."""
        return _HDR_CURVES.get(self.curve)

    def space(self) -> ColourSpace | None:
        """The colour space; None if the codes are unknown."""
        primaries = 1 if self.primaries == _UNSPECIFIED else self.primaries
        curve = 13 if self.curve == _UNSPECIFIED else self.curve
        if primaries not in _PRIMARIES or curve not in _CURVES or not self.full_range:
            return None
        name, chromaticities = _PRIMARIES[primaries]
        gamma = _CURVES[curve]
        return ColourSpace(name if gamma is None else f"{name}, gamma {gamma:g}", chromaticities, gamma)


def colour_codes(image: Image.Image, data: bytes) -> ColourCodes | None:
    """Return the colour codes that count for an image, or None.

    Args:
        image: The image.
        data: Its file's content; empty where it is not known.
    """
    if image.format == "PNG":
        # Of all that a PNG says about colours this comes first.
        codes = png_colour_codes(data)
        return None if codes is None else ColourCodes(codes[0], codes[1], "cICP chunk", full_range=codes[3] == 1)
    if image.format in {"AVIF", "HEIF"} and not image.info.get("icc_profile"):
        codes = box_colour_codes(data)
        return None if codes is None else ColourCodes(codes[0], codes[1], "nclx box")
    return None


def colour_profile(
    image: Image.Image, data: bytes, *, grey: bool, adobe_rgb: bool
) -> tuple[bytes | None, tuple[str, ...]]:
    """Return the profile of an image's colours, its own or one made after their description, and notes for the user.

    Args:
        image: The loaded image.
        data: Its file's content; empty where it is not known.
        grey: Whether it has one channel.
        adobe_rgb: Whether its EXIF says Adobe RGB.

    Returns:
        The profile, or None for sRGB.
    """
    if image.mode == "CMYK":  # its profile has done its work when it became sRGB
        return None, ()
    notes: tuple[str, ...] = ()
    codes = colour_codes(image, data)
    if codes is not None:
        space = codes.space()
        if space is not None:
            return _made(space, codes.source, grey=grey)
        notes = (_DAMAGED,)
    profile, profile_notes = fitting_profile(image, grey=grey)
    notes = (*notes, *profile_notes)
    if profile is None:
        profile, made_notes = _made(ADOBE_RGB, "EXIF", grey=grey) if adobe_rgb else _from_gamma(image, grey=grey)
        notes = (*notes, *made_notes)
    return profile, notes


def _made(space: ColourSpace, source: str, *, grey: bool) -> tuple[bytes | None, tuple[str, ...]]:
    """The profile of a described space and a note about it; none of either for sRGB."""
    # Of grey values only the curve counts.
    if space.gamma is None and (grey or _is_srgb(space.chromaticities)):
        return None, ()
    profile = space.profile(grey=grey)
    if profile is None:
        return None, (_DAMAGED,)
    return profile, (f"its colours ({space.name}, by its {source}) are written as a colour profile",)


def _from_gamma(image: Image.Image, *, grey: bool) -> tuple[bytes | None, tuple[str, ...]]:
    """The profile for a PNG's gAMA and cHRM, of which either may be missing."""
    # Pillow's dictionary, which a PNG's texts may fill with anything of any name.
    gamma, points = image.info.get("gamma"), image.info.get("chromaticity")
    if image.format != "PNG" or "srgb" in image.info or not isinstance(gamma, float | None):
        return None, ()
    chromaticities = _SRGB
    if isinstance(points, tuple) and len(points) == len(_SRGB) and not _is_srgb(points):
        chromaticities = points
    elif gamma is None or abs(gamma * 2.2 - 1) <= _SAME_GAMMA:
        return None, ()
    if gamma is None:
        return _made(ColourSpace("RGB of its own", chromaticities, None), "cHRM chunk", grey=grey)
    if not 1 / _MAX_GAMMA <= gamma <= _MAX_GAMMA:
        return None, (_DAMAGED,)
    name = f"{'sRGB primaries' if chromaticities is _SRGB else 'RGB of its own'}, gamma {1 / gamma:.3g}"
    return _made(ColourSpace(name, chromaticities, 1 / gamma), "gAMA chunk", grey=grey)


def _is_srgb(chromaticities: Chromaticities) -> bool:
    return all(math.isclose(*pair, abs_tol=_SAME_POINT) for pair in zip(chromaticities, _SRGB, strict=True))
