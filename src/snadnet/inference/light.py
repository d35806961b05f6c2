"""Faces that are restored in light, in place of the values that a file holds.

A moving camera's sensor sums light; the values of a file are that light under the sRGB curve. A photo's blur is then a
convolution of light, and deconvolved as one of values it leaves its bright parts smeared and its dark ones ringing.
Whoever blurs an image in a program mostly convolves values, as the test sets of all papers do. Which of the two it was
shows: restored by the wrong reading, a face explains less of what was given.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from snadnet.blur import kernel_extent, unexplained
from snadnet.errors import ConfigError
from snadnet.faces.defaults import Light
from snadnet.inference.backend import Backend, RestoredCrops, check_crops
from snadnet.inference.devices import Device
from snadnet.srgb import decode_srgb, encode_srgb

_LEAST_MOTION: Final = 4.0
"""Length of a motion in pixels under which both readings come to the same."""


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
class LightBackend:
    """Restores crops in light: all of them, or those that are explained better so.

    Attributes:
        network: What restores them.
        chooses: Whether a crop is restored by its values first and in light only if it has moved; then what explains
            the blurred crop better is kept, and the values' where the network estimates no kernel.
    """

    network: Backend
    chooses: bool

    @property
    def device(self) -> Device:
        """Where the network runs."""
        return self.network.device

    @property
    def model(self) -> str | None:
        """The registered name of the network."""
        return self.network.model

    @property
    def crop_size(self) -> int:
        """Side in pixels of the crops that the network is made for."""
        return self.network.crop_size

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
        if not moved:
            return by_value
        in_light = self._in_light(crops[moved])
        better = {
            number: place
            for place, number in enumerate(moved)
            if _unexplained(in_light, place, crops[number]) < _unexplained(by_value, number, crops[number])
        }
        return by_value.replaced(in_light, better)

    def _in_light(self, crops: NDArray[np.float32]) -> RestoredCrops:
        result = self.network(decode_srgb(crops))
        return result._replace(restored=encode_srgb(result.restored), in_light=np.ones(len(crops), np.bool_))


def _unexplained(result: RestoredCrops, number: int, blurred: NDArray[np.float32]) -> float:
    assert result.kernel is not None
    in_light = result.in_light is not None
    return unexplained(result.restored[number], blurred, result.kernel[number], in_light=in_light)
