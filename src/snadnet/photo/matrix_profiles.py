"""ICC profiles that are a matrix and curves, computed in floating point.

Little CMS, as Pillow offers it, takes and gives 8 bits. Nearly every profile of a photo (Display P3, Adobe RGB,
ProPhoto, sRGB) says by three curves and a matrix how its values become light, which is all that it takes to go there
and back without rounding. Any other profile is left to Little CMS.
"""

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from snadnet.srgb import decode_srgb, encode_srgb

Values = NDArray[np.float32]

_HEADER: Final = 128
_ENTRY: Final = 12
_MAX_TAGS: Final = 1000
_STEPS: Final = 16384  # of a curve that is given as a formula
_MAX_STEPS: Final = 65536
# Numbers that a parametric curve of each type has.
_PARAMETERS: Final = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}
_RGB_CURVES: Final = (b"rTRC", b"gTRC", b"bTRC")
_COLORANTS: Final = (b"rXYZ", b"gXYZ", b"bXYZ")
_GREY_CURVE: Final = b"kTRC"
# A profile that has one of these says more than a matrix can.
_TABLES: Final = (b"A2B0", b"A2B1", b"D2B0", b"D2B1")
# The primaries of sRGB adapted to D50, as columns of XYZ (IEC 61966-2-1, adapted by Bradford's matrix).
_SRGB: Final = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
_END: Final = 0.002  # how far from 0 and 1 the ends of a curve may be


@dataclass(frozen=True, eq=False)
class MatrixProfile:
    """A profile's way to light and back.

    Attributes:
        curves: For each of 3 channels the light of evenly spaced values, increasing from 0 to 1: (N,) each.
        to_srgb: float64 (3, 3), from the light of its primaries to that of sRGB's.
    """

    curves: tuple[NDArray[np.float64], ...]
    to_srgb: NDArray[np.float64]

    def forth(self, own: NDArray[np.floating]) -> Values:
        """Return values (..., 3) in [0, 1] in sRGB, cut to [0, 1]."""
        light = [np.interp(own[..., n], _steps(curve), curve) for n, curve in enumerate(self.curves)]
        return encode_srgb((np.stack(light, axis=-1) @ self.to_srgb.T).clip(0, 1)).astype(np.float32)

    def back(self, srgb: NDArray[np.floating]) -> Values:
        """Return sRGB values (..., 3) in [0, 1] in the profile's own, cut to [0, 1]."""
        light = decode_srgb(srgb.astype(np.float64)) @ np.linalg.inv(self.to_srgb).T
        own = [np.interp(light[..., n], curve, _steps(curve)) for n, curve in enumerate(self.curves)]
        return np.stack(own, axis=-1).astype(np.float32)


def matrix_profile(profile: bytes, *, grey: bool) -> MatrixProfile | None:
    """Return what a profile says, or None if it is no matrix and curves, is damaged, or cannot be reversed."""
    try:
        tags = _tags(profile)
        if any(tag in tags for tag in _TABLES):
            return None
        curves = tuple(_curve(tags[tag]) for tag in ((_GREY_CURVE,) * 3 if grey else _RGB_CURVES))
        matrix = np.eye(3) if grey else np.stack([_xyz(tags[tag]) for tag in _COLORANTS], axis=1)
    except (KeyError, ValueError, struct.error):
        return None
    if not grey:
        if abs(np.linalg.det(matrix)) < 1e-6:  # noqa: PLR2004
            return None
        matrix = np.linalg.solve(_SRGB, matrix)
    return MatrixProfile(curves, matrix) if all(_is_reversible(curve) for curve in curves) else None


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    if count > _MAX_TAGS:
        raise ValueError("too many tags")
    tags = {}
    for number in range(count):
        name, start, size = struct.unpack_from(">4sII", profile, _HEADER + 4 + _ENTRY * number)
        if start + size > len(profile):
            raise ValueError("a tag lies outside the profile")
        tags[name] = profile[start : start + size]
    return tags


def _xyz(tag: bytes) -> NDArray[np.float64]:
    kind, x, y, z = struct.unpack_from(">4s4x3i", tag)
    if kind != b"XYZ ":
        raise ValueError("no XYZ")
    return np.array([x, y, z]) / 65536


def _curve(tag: bytes) -> NDArray[np.float64]:
    """The light of evenly spaced values of a channel."""
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count > 1:
            if count > _MAX_STEPS:
                raise ValueError("too long a curve")
            return np.array(struct.unpack_from(f">{count}H", tag, 12)) / 65535
        gamma = struct.unpack_from(">H", tag, 12)[0] / 256 if count else 1.0
        return np.asarray(np.linspace(0, 1, _STEPS) ** gamma)
    kind, function = struct.unpack_from(">4s4xH", tag)
    if kind != b"para" or function not in _PARAMETERS:
        raise ValueError("no curve")
    numbers = np.array(struct.unpack_from(f">{_PARAMETERS[function]}i", tag, 12)) / 65536
    return _parametric(function, numbers, np.linspace(0, 1, _STEPS))


def _parametric(function: int, numbers: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """ICC.1:2022, table 68: a power from ``d`` on, and below it a line or a constant."""
    g, a, b, c, d, e, f = np.pad(numbers, (0, 7 - len(numbers))).tolist()
    if function == 0:
        return np.asarray(x**g)
    if a == 0:
        raise ValueError("no slope")
    power = np.maximum(a * x + b, 0) ** g
    if function in {1, 2}:
        # Here `c` is added to both parts.
        return np.asarray(np.where(x >= -b / a, power + c, c))
    return np.asarray(np.where(x >= d, power + e, c * x + f))


def _is_reversible(curve: NDArray[np.float64]) -> bool:
    return bool(
        np.isfinite(curve).all()
        and (np.diff(curve) >= 0).all()
        and abs(curve[0]) <= _END
        and abs(curve[-1] - 1) <= _END
    )


def _steps(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    """The evenly spaced values that a curve gives the light of."""
    return np.linspace(0, 1, len(curve))
