"""The sRGB transfer function (IEC 61966-2-1): between the values that files hold and the light that they stand for."""

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

_Values = TypeVar("_Values", NDArray[np.float32], NDArray[np.float64])

_SLOPE: Final = 12.92
_KNEE: Final = 0.0031308
_OFFSET: Final = 0.055
_EXPONENT: Final = 2.4


def decode_srgb(values: _Values) -> _Values:
    """Return the light of sRGB values in ``[0, 1]``, of the same shape and type; negative values stay negative."""
    bright = ((np.maximum(values, 0) + _OFFSET) / (1 + _OFFSET)) ** _EXPONENT
    return np.where(values <= _KNEE * _SLOPE, values / _SLOPE, bright)


def encode_srgb(light: _Values) -> _Values:
    """Return the sRGB values of light in ``[0, 1]``, of the same shape and type: what `decode_srgb` undoes."""
    bright = (1 + _OFFSET) * np.maximum(light, _KNEE) ** (1 / _EXPONENT) - _OFFSET
    return np.where(light <= _KNEE, light * _SLOPE, bright)
