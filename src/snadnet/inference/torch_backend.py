"""A weights file run by PyTorch, behind the interface that ONNX graphs have."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snadnet.errors import ModelError, WeightsError
from snadnet.inference import Device, RestoredCrops, check_crops
from snadnet.models import Restorer, read_model
from snadnet.photo import printable


class TorchBackend:
    """Restores face crops, and parses them where the network does; may be shared between threads.

    Crops are computed one by one, so that a crop's result does not depend on those beside it.

    Args:
        path: A ``.safetensors`` file of a registered deblurring network.
        device: ``"cpu"``, ``"cuda"``, or ``"auto"`` for CUDA where PyTorch has it and the CPU elsewhere.

    Attributes:
        device: Where it runs: ``"cpu"`` or ``"cuda"``.
        model: The network's registered name.

    Raises:
        WeightsError: The file is missing, damaged, or does not fit its network.
        ModelError: The network is unknown or a parser, or the device is not there.
    """

    def __init__(self, path: Path, device: Device = "auto") -> None:
        self.path = path
        self._place = torch_device(device)
        self.device: Device = "cuda" if self._place.type == "cuda" else "cpu"
        network = read_model(path)
        if not isinstance(network, Restorer):
            raise ModelError(f"{printable(path)}: is a face parser; give weights of a deblurring network")
        self.model: str | None = network.descriptor.name
        self._network = network.to(self._place)

    def __call__(self, crops: NDArray[np.float32]) -> RestoredCrops:
        """Restore a batch of crops.

        Args:
            crops: float32 RGB ``(B, H, W, 3)`` in [0, 1], from 32 px up.

        Raises:
            ValueError: ``crops`` has another shape.
            ModelError: A side is under 32 px.
            WeightsError: The network gives results that are no numbers.
        """
        check_crops(crops)
        results = [self._restore(crop) for crop in crops]
        parsings = [parsing for _, parsing in results if parsing is not None]
        return RestoredCrops(np.stack([restored for restored, _ in results]), np.stack(parsings) if parsings else None)

    @torch.inference_mode()
    def _restore(self, crop: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """The restored crop ``(H, W, 3)`` and its parsing ``(H, W, 19)``, if the network makes one."""
        blurred = torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1), dtype=np.float32))
        restored, parsing = self._network.restore(blurred[None].to(self._place))
        if not torch.isfinite(restored).all():
            raise WeightsError(
                f"{printable(self.path)}: gives values that are no numbers; train it again or give other weights"
            )
        return _picture(restored), None if parsing is None else _picture(parsing)


def torch_device(device: Device) -> torch.device:
    """PyTorch's device for a choice.

    Raises:
        ModelError: The device is unknown, or CUDA is asked for and is not there.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ModelError(f"device {device!r} is unknown; choose auto, cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError("device 'cuda' needs a GPU that PyTorch can use; choose cpu")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def _picture(batch: Tensor) -> NDArray[np.float32]:
    """``(1, C, H, W)`` as float32 ``(H, W, C)``."""
    return np.ascontiguousarray(batch[0].permute(1, 2, 0).float().cpu().numpy())
