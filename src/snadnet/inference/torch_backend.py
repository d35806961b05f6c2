"""PyTorch backend: runs a ``.safetensors`` file behind the interface that ONNX graphs have."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snadnet.errors import ModelError, WeightsError
from snadnet.image_arrays import channels_first, channels_last
from snadnet.inference import Device, RestoredCrops, check_crops
from snadnet.models import Restorer, read_model
from snadnet.photo import printable


class TorchBackend:
    """Restores face crops, and parses them where the network does.

    It may be shared between threads, goes on in a forked process (on the CPU), and can be pickled: its file is opened
    again where it arrives. Crops are computed one by one, so that a crop's result does not depend on those beside it.

    Args:
        path: A ``.safetensors`` file of a registered deblurring network.
        device: ``"cpu"``, ``"cuda"``, or ``"auto"`` for CUDA where PyTorch has it and the CPU elsewhere.

    Attributes:
        device: Where it runs: ``"cpu"`` or ``"cuda"``.
        model: The network's registered name.
        crop_size: The crops that it is made for.

    Raises:
        WeightsError: If the file is missing, damaged, or does not fit its network.
        ModelError: If the network is unknown or a parser, or the device is not there.
    """

    def __init__(self, path: Path, device: Device = "auto") -> None:
        self.path = path
        self._asked = device
        self._process = os.getpid()
        self._place = torch_device(device)
        self.device: Device = "cuda" if self._place.type == "cuda" else "cpu"
        network = read_model(path)
        if not isinstance(network, Restorer):
            raise ModelError(f"{printable(path)}: is a face parser; give weights of a deblurring network")
        self.model: str | None = network.descriptor.name
        self.crop_size: int = network.descriptor.crop_size
        self._network = network.to(self._place)

    def __reduce__(self) -> tuple[type["TorchBackend"], tuple[Path, Device]]:
        # By its file, as the ONNX backend: the network on a GPU could not be opened on a machine without one.
        return type(self), (self.path.absolute(), self._asked)

    def __call__(self, crops: NDArray[np.float32]) -> RestoredCrops:
        """Restore a batch of crops.

        Args:
            crops: float32 RGB ``(B, H, W, 3)`` in [0, 1], from 32 px up.

        Raises:
            ValueError: If ``crops`` has another shape.
            ModelError: If a side is under 32 px.
            WeightsError: If the network gives results that are no numbers.
        """
        check_crops(crops)
        if self._process != os.getpid():
            # A forked process inherits OpenMP's pool without its threads, for which PyTorch would wait for ever.
            torch.set_num_threads(1)
            self._process = os.getpid()
        results = [self._restore(crop) for crop in crops]
        restored, parsing, kernel = (None if part[0] is None else np.stack(part) for part in zip(*results, strict=True))
        assert restored is not None
        return RestoredCrops(restored, parsing, kernel)

    @torch.inference_mode()
    def _restore(self, crop: NDArray[np.float32]) -> tuple[NDArray[np.float32], Any, Any]:
        """The restored crop ``(H, W, 3)``, its parsing ``(H, W, 19)`` and its kernel, if the network makes them."""
        blurred = torch.from_numpy(channels_first(crop.astype(np.float32, copy=False)))
        restored, parsing, kernel = self._network.restore(blurred[None].to(self._place))
        if not torch.isfinite(restored).all():
            raise WeightsError(
                f"{printable(self.path)}: gives values that are no numbers; train it again or give other weights"
            )
        return (
            _image(restored),
            None if parsing is None else _image(parsing),
            None if kernel is None else kernel[0].float().cpu().numpy(),
        )


def torch_device(device: Device) -> torch.device:
    """PyTorch's device for a choice.

    Raises:
        ModelError: If the device is unknown, or CUDA is asked for and is not there.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ModelError(f"device {device!r} is none of PyTorch's; choose auto, cpu or cuda, or give an ONNX file")
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError("device 'cuda' needs a GPU that PyTorch can use; choose cpu")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def _image(batch: Tensor) -> NDArray[np.float32]:
    """``(1, C, H, W)`` as float32 ``(H, W, C)``."""
    return channels_last(batch[0].float().cpu().numpy())
