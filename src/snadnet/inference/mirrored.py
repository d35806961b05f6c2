"""More effort for a face: its mirror image is restored too, and both results are averaged.

A network has learned from mirrored faces, so it is as good on those, and its errors there are in part others: the mean
is nearer to the sharp face than either (self-ensemble, Timofte et al. 2016, Seven Ways to Improve Example-Based Single
Image Super Resolution).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snadnet.errors import ConfigError
from snadnet.faces.defaults import MAX_EFFORT
from snadnet.inference.backend import Backend, BackendAround, RestoredCrops, check_crops


def check_effort(effort: int) -> None:
    """Raise ConfigError unless ``effort`` is in range."""
    if effort not in range(1, MAX_EFFORT + 1):
        raise ConfigError(f"effort {effort} is out of range; choose 1, or up to {MAX_EFFORT} for more work on a face")


def with_effort(network: Backend, effort: int) -> Backend:
    """Return a network that spends so much on each crop.

    Args:
        network: The network.
        effort: 1 for the network itself, more for `MirroredBackend`.

    Raises:
        ConfigError: If ``effort`` is out of range.
    """
    check_effort(effort)
    return network if effort == 1 else MirroredBackend(network)


@dataclass(frozen=True)
class MirroredBackend(BackendAround):
    """Restores crops and their mirror images, and averages what comes of both."""

    def __call__(self, crops: NDArray[np.float32]) -> RestoredCrops:
        """Restore a batch of crops; the parsing is that of the crops as they came.

        Args:
            crops: float32 RGB ``(B, H, W, 3)`` in [0, 1].

        Raises:
            ValueError: If ``crops`` has another shape.
            WeightsError: If the network fails, or gives results that are none.
        """
        check_crops(crops)
        restored, parsing, kernel, _ = self.network(np.concatenate((crops, crops[:, :, ::-1])))
        return RestoredCrops(
            _mean_of_both(restored),
            None if parsing is None else parsing[: len(crops)],
            None if kernel is None else _mean_of_both(kernel),
        )


def _mean_of_both(results: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the results ``(2B, H, W, ...)`` of crops and, behind them, of their mirror images."""
    direct, mirrored = np.split(results, 2)
    mean: NDArray[np.float32] = (direct + mirrored[:, :, ::-1]) * np.float32(0.5)
    return mean
