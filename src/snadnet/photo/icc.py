"""ICC profiles of colour spaces that are described by primaries and a curve, such as Display P3 or Adobe RGB."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""CIE x and y of the white point, then of red, green and blue."""

_D50: Final = np.array([0.9642, 1.0, 0.8249])
# Bradford's matrix: how the eye adapts from one white to another, as ICC profiles reckon it.
_BRADFORD: Final = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_MAX_COLORANT: Final = 4.0  # of Y = 1 for white; anything larger is no space that a photo is in
_HEADER_BYTES: Final = 128


@dataclass(frozen=True)
class ColourSpace:
    """An RGB colour space.

    Attributes:
        name: What it is called, in ASCII.
        chromaticities: Its white point and primaries.
        gamma: Light is the pixel's value, in [0, 1], to the power of this; None for sRGB's curve.
    """

    name: str
    chromaticities: Chromaticities
    gamma: float | None

    def profile(self, *, grey: bool = False) -> bytes | None:
        """Return its ICC profile (version 4); None if the primaries span no space.

        Args:
            grey: Make the profile of grey values with this space's curve.
        """
        adapted = _adapted(self.chromaticities)
        if adapted is None:
            return None
        adaptation, colorants = adapted
        curve = _curve(self.gamma)
        tags = {b"desc": _text(self.name), b"cprt": _text("No copyright, use freely"), b"wtpt": _xyz(_D50)}
        tags[b"chad"] = b"sf32" + bytes(4) + _s15_fixed16(adaptation)
        if grey:
            tags[b"kTRC"] = curve
        else:
            tags |= {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants.T, strict=True)}
            tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
        return _assembled(b"GRAY" if grey else b"RGB ", tags)


def _adapted(chromaticities: Chromaticities) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """The adaptation to D50 (3, 3) and the adapted primaries as columns (3, 3), both in XYZ."""
    points = np.array(chromaticities, np.float64).reshape(4, 2)
    if not np.isfinite(points).all() or points[:, 1].min() <= 0:
        return None
    x, y = points.T
    white, *_ = xyz = np.stack([x / y, np.ones(4), (1 - x - y) / y], axis=1)
    primaries = xyz[1:].T
    cone = _BRADFORD @ white
    if abs(np.linalg.det(primaries)) < 1e-6 or cone.min() <= 0:  # noqa: PLR2004
        return None
    colorants = primaries * np.linalg.solve(primaries, white)
    adaptation = np.linalg.solve(_BRADFORD, np.diag(_BRADFORD @ _D50 / cone) @ _BRADFORD)
    colorants = adaptation @ colorants
    if np.abs(colorants).max() > _MAX_COLORANT or np.abs(adaptation).max() > _MAX_COLORANT:
        return None
    return adaptation, colorants


def _s15_fixed16(values: NDArray[np.float64]) -> bytes:
    return b"".join(round(value * 65536).to_bytes(4, signed=True) for value in values.ravel().tolist())


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + _s15_fixed16(values)


def _curve(gamma: float | None) -> bytes:
    """A parametric curve: type 0 is a power, type 3 is one with a straight foot."""
    if gamma is None:
        parameters, kind = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045], 3
    else:
        parameters, kind = [gamma], 0
    return b"para" + bytes(4) + kind.to_bytes(2) + bytes(2) + _s15_fixed16(np.array(parameters))


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return (
        b"mluc"
        + bytes(4)
        + (1).to_bytes(4)
        + (12).to_bytes(4)
        + b"enUS"
        + len(encoded).to_bytes(4)
        + b"\0\0\0\x1c"
        + encoded
    )


def _assembled(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """The header, the list of tags, and each content once, at a multiple of four bytes."""
    places: dict[bytes, int] = {}
    start = _HEADER_BYTES + 4 + 12 * len(tags)
    data = b""
    for content in tags.values():
        if content not in places:
            places[content] = start + len(data)
            data += content + bytes(-len(content) % 4)
    listing = b"".join(name + places[c].to_bytes(4) + len(c).to_bytes(4) for name, c in tags.items())
    made = b"".join(part.to_bytes(2) for part in (2026, 1, 1, 0, 0, 0))  # fixed: the same space, the same bytes
    head = bytes(4) + b"\x04\x40\0\0mntr" + space + b"XYZ " + made + b"acsp" + bytes(28) + _s15_fixed16(_D50)
    return ((start + len(data)).to_bytes(4) + head).ljust(_HEADER_BYTES, b"\0") + len(tags).to_bytes(4) + listing + data
