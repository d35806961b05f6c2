"""The interface of all networks that restore face crops, whichever runtime computes them."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from snadnet.inference.devices import Device


class RestoredCrops(NamedTuple):
    """A batch of crops that was restored.

    Attributes:
        restored: float32 RGB ``(B, H, W, 3)`` in [0, 1].
        parsing: float32 ``(B, H, W, 19)`` class probabilities (`snadnet.faces.classes`), or of half the height and
            width, rounded up; None where the network parses no faces.
        kernel: float32 ``(B, K, K)``, the blur kernels that the network estimates, in pixels of the crops; ``K`` odd,
            each kernel non-negative, its sum 1, its centre the origin. None where the network estimates none.
        in_light: bool ``(B,)``, which crops' blur was taken for one of light, at least for the greater part
            (`snadnet.inference.with_light`); None for none of them.
    """

    restored: NDArray[np.float32]
    parsing: NDArray[np.float32] | None = None
    kernel: NDArray[np.float32] | None = None
    in_light: NDArray[np.bool_] | None = None


class Backend(Protocol):
    """A network that restores crops of any size; may be shared between threads."""

    @property
    def device(self) -> Device:
        """Where it runs, such as ``"cpu"``."""

    @property
    def model(self) -> str | None:
        """The registered name of the network; None where its file does not say."""

    @property
    def crop_size(self) -> int:
        """Side in pixels of the face crops that the network is made for: 256, or 512 for large faces."""

    def __call__(self, crops: NDArray[np.float32]) -> RestoredCrops:
        """Restore a batch of crops.

        Args:
            crops: float32 RGB ``(B, H, W, 3)`` in [0, 1].

        Raises:
            ValueError: If ``crops`` has another shape.
            WeightsError: If the network fails, or gives results that are none.
        """


@dataclass(frozen=True)
class BackendAround:
    """What networks have in common that run another one and make more of its results.

    Attributes:
        network: The other one.
    """

    network: Backend

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


def check_crops(crops: NDArray[np.float32]) -> None:
    """Raise ValueError unless ``crops`` is ``(B, H, W, 3)`` and not empty."""
    if crops.ndim != 4 or crops.shape[3] != 3 or 0 in crops.shape:  # noqa: PLR2004
        raise ValueError(f"crops must be (B, H, W, 3) and not empty, not {crops.shape}")
