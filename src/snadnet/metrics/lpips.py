"""LPIPS: the distance of restored and sharp faces by features of AlexNet (Zhang et al. 2018), version 0.1."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics.functional.image.lpips import _LPIPS

from snadnet.errors import ConfigError, WeightsError
from snadnet.files import sha256_of
from snadnet.image_arrays import to_float
from snadnet.inference import Device
from snadnet.inference.torch_backend import torch_device
from snadnet.metrics.base import Measure, MetricOptions, ReadValues, ScoredFace, Values, averaged
from snadnet.models.checkpoint_io import read_state

LPIPS_DISTANCE: Final = averaged("lpips", "LPIPS", 4, higher_is_better=False)

REMEDY: Final = (
    "fetch alexnet-owt-7be5be79.pth (ImageNet weights) from https://download.pytorch.org/models and give it by --lpips"
)


class LPIPS:
    """LPIPS of each face; the weights of its linear layers come with torchmetrics.

    Args:
        alexnet: torchvision's AlexNet with ImageNet weights (.pth or .safetensors).
        device: Where the network runs.

    Raises:
        WeightsError: If the file is missing, damaged or of another network.
    """

    measures: tuple[Measure, ...] = (LPIPS_DISTANCE,)

    def __init__(self, alexnet: Path, *, device: Device = "auto") -> None:
        self._device = torch_device(device)
        state = read_state(alexnet, what="weights of AlexNet", remedy=REMEDY)
        # pnet_rand, or it would fetch AlexNet by itself.
        self._network = _LPIPS(net="alex", pnet_rand=True)
        names = {name: f"features.{name.split('.', 1)[1]}" for name in self._network.net.state_dict()}
        try:
            self._network.net.load_state_dict({name: state[source] for name, source in names.items()})
        except (KeyError, RuntimeError, TypeError, AttributeError) as error:  # the last two for what is no tensor
            detail = " ".join(str(error).split())[:120]
            raise WeightsError(f"{alexnet}: holds no weights of AlexNet ({detail}); {REMEDY}") from error
        self._network.to(self._device)
        self.description = (
            f"LPIPS: version 0.1 on AlexNet, {alexnet.name} (sha256 {sha256_of(alexnet)[:16]}), linear layers of "
            "torchmetrics; of each face at its own size"
        )

    @classmethod
    def create(cls, options: MetricOptions) -> "LPIPS":
        """Return the metric of ``options.lpips``.

        Raises:
            ConfigError: If there is none.
        """
        if options.lpips is None:
            raise ConfigError(f"LPIPS: {REMEDY}")
        return cls(options.lpips, device=options.device)

    def prepare(self, faces: Sequence[ScoredFace]) -> ReadValues:
        """Keep the sharp faces; see ``snadnet.metrics.base.Metric``."""
        sharp = [face.sharp for face in faces]

        def read(restored: NDArray[np.uint8]) -> tuple[Values, ...]:
            return (np.array([self._distance(*pair) for pair in zip(restored, sharp, strict=True)]),)

        return read

    @torch.inference_mode()
    def _distance(self, restored: NDArray[np.uint8], sharp: NDArray[np.uint8]) -> float:
        pair = [torch.from_numpy(to_float(each)).permute(2, 0, 1)[None].to(self._device) for each in (restored, sharp)]
        return float(self._network(*pair, normalize=True))


def left_out(options: MetricOptions) -> str | None:
    """Return why LPIPS is not measured unless asked for, with the remedy, in one line; None if it is."""
    return None if options.lpips is not None else f"LPIPS: left out; {REMEDY}"
