"""Faces that are restored in light, in place of the values that a file holds.

A moving camera's sensor sums light; the values of a file are that light under the sRGB curve. A photo's blur is then a
convolution of light, and deconvolved as one of values it leaves its bright parts smeared and its dark ones ringing.
Whoever blurs an image in a program mostly convolves values, as the paper's test sets do. Which of the two it was
shows: restored by the wrong reading, a face explains less of what was given. It does not always show clearly, so both
results are mixed: what one has wrong, the other half makes good.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from snadnet.blur import kernel_extent, measure_consistency
from snadnet.errors import ConfigError
from snadnet.faces.defaults import Light
from snadnet.inference.backend import Backend, BackendAround, RestoredCrops, check_crops
from snadnet.srgb import decode_srgb, encode_srgb

_LEAST_MOTION: Final = 7.0
"""Length of a motion in pixels under which both readings come to much the same, and which is true hardly shows."""

_EVEN: Final = 0.5
"""How much a result in light leaves unexplained, times what the other does, where both count the same.

Blur of values is restored badly in light, blur of light by its values hardly worse than in it; and the mean of both is
nearer the truth than either then.
"""

_SHARPNESS: Final = 3.0
"""Power of what is left unexplained by which both results are weighed."""

_CLEAR: Final = 0.02
"""Shares under this, and over the rest, are none and all."""

_EXPLAINED: Final = 2e-3
"""What a result by values may leave unexplained, root mean square, and be taken alone: half a grey level of 255.

In light such a face is hardly ever explained better, so that next to nothing of it would be mixed in.
"""

_LEAST_EXCESS: Final = 2e-4
"""What a file of 8 bits leaves by its rounding, and about what can be told."""


def with_light(network: Backend, light: str) -> Backend:
    """Return a network that takes blur for one of values, of light, or of whichever explains it better.

    Args:
        network: The network.
        light: A value of `snadnet.faces.defaults.Light`: ``"srgb"`` for the network itself; ``"linear"`` and
            ``"auto"`` for a `LightBackend`.

    Raises:
        ConfigError: If ``light`` is another word.
    """
    if light not in list(Light):
        raise ConfigError(f"light {light!r} is unknown; choose one of: {', '.join(Light)}")
    return network if light == Light.SRGB else LightBackend(network, chooses=light == Light.AUTO)


def without_choice(network: Backend) -> Backend:
    """Return a network that takes all crops' blur for the same: in place of one that chooses, that by values.

    From frame to frame of a clip, a face that is now restored in light and now by values would flicker.
    """
    return network.network if isinstance(network, LightBackend) and network.chooses else network


@dataclass(frozen=True)
class LightBackend(BackendAround):
    """Restores crops in light: all of them, or as far as that explains them better.

    Attributes:
        chooses: Whether a crop is restored by its values first, and in light too if it has moved and that does not
            explain it; then both results are mixed by how well they explain the blurred crop. Where the network
            estimates no kernel, there is no telling, and the first is kept.
    """

    chooses: bool

    def __call__(self, crops: NDArray[np.float32]) -> RestoredCrops:
        """Restore a batch of crops.

        Args:
            crops: float32 RGB ``(B, H, W, 3)`` in [0, 1].

        Raises:
            ValueError: If ``crops`` has another shape.
            WeightsError: If the network fails, or gives results that are none.
        """
        check_crops(crops)
        if not self.chooses:
            return self._in_light(crops)
        by_value = self.network(crops)
        if by_value.kernel is None:
            return by_value
        moved = [n for n, kernel in enumerate(by_value.kernel) if kernel_extent(kernel).length >= _LEAST_MOTION]
        left = {number: _excess(by_value, number, crops[number]) for number in moved}
        doubtful = [number for number in moved if left[number] > _EXPLAINED]
        if not doubtful:
            return by_value
        in_light = self._in_light(crops[doubtful])
        ratios = {
            number: (_excess(in_light, place, crops[number]) + _LEAST_EXCESS) / (left[number] + _LEAST_EXCESS)
            for place, number in enumerate(doubtful)
        }
        return _mixed(by_value, in_light, ratios)

    def _in_light(self, crops: NDArray[np.float32]) -> RestoredCrops:
        result = self.network(decode_srgb(crops))
        return result._replace(restored=encode_srgb(result.restored), in_light=np.ones(len(crops), np.bool_))


def _share(ratio: float) -> float:
    """How much of the result in light is taken, by what it leaves unexplained, times what the other does."""
    share = 1.0 / (1.0 + (ratio / _EVEN) ** _SHARPNESS)
    return float(np.clip((share - _CLEAR) / (1.0 - 2.0 * _CLEAR), 0.0, 1.0))


def _mixed(by_value: RestoredCrops, in_light: RestoredCrops, ratios: dict[int, float]) -> RestoredCrops:
    """Mix a batch with the results in light of some of its crops.

    The kernel and the parsing are those of the one that explains the crop better.

    Args:
        by_value: All results by values.
        in_light: Those in light.
        ratios: What each of these leaves unexplained, times what the other does, by its place in the batch.
    """
    restored = by_value.restored.copy()
    parsing, kernel = (None if part is None else np.copy(part) for part in (by_value.parsing, by_value.kernel))
    better = np.zeros(len(restored), np.bool_)
    for place, (number, ratio) in enumerate(ratios.items()):
        restored[number] += np.float32(_share(ratio)) * (in_light.restored[place] - restored[number])
        better[number] = ratio < 1.0
        for part, other in ((parsing, in_light.parsing), (kernel, in_light.kernel)):
            if part is not None and other is not None and better[number]:
                part[number] = other[place]
    return RestoredCrops(restored, parsing, kernel, better if better.any() else None)


def _excess(result: RestoredCrops, number: int, blurred: NDArray[np.float32]) -> float:
    assert result.kernel is not None
    in_light = result.in_light is not None
    return measure_consistency(result.restored[number], blurred, result.kernel[number], in_light=in_light).excess
