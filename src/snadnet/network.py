"""The restoration network as an ONNX graph on ONNX Runtime.

The graph's contract, which ``snadnet export`` writes and this module checks:

- input ``blurred``: float32 ``(B, 3, H, W)`` RGB in [0, 1];
- output ``restored``: float32 ``(B, 3, H, W)`` RGB;
- output ``parsing``: float32 ``(B, 19, H, W)`` class probabilities (:mod:`snadnet.faces.classes`);
- B, H and W are free, but H and W are multiples of the number in the metadata entry ``size_multiple`` (16).
"""

from pathlib import Path
from typing import Final, Literal

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from snadnet.errors import ModelError, WeightsError
from snadnet.faces.classes import NUM_CLASSES

Device = Literal["auto", "cpu", "cuda"]

SIZE_MULTIPLE_KEY: Final = "size_multiple"
DEFAULT_SIZE_MULTIPLE: Final = 16

_CONTRACT: Final = {"blurred": 3, "restored": 3, "parsing": NUM_CLASSES}
_CHANNEL_AXIS: Final = 1
_DIMENSIONS: Final = 4
_CUDA: Final = "CUDAExecutionProvider"
_CPU: Final = "CPUExecutionProvider"
_ERROR: Final = 3  # ONNX Runtime's log level


class RestorationNetwork:
    """Restores and parses face crops. Deterministic on the CPU; may be shared between threads.

    Args:
        path: An ONNX file that keeps the contract above.
        device: ``"cpu"``, ``"cuda"``, or ``"auto"`` for CUDA where ONNX Runtime has it and the CPU elsewhere.

    Raises:
        WeightsError: The file is missing, no ONNX graph, or of another kind of network.
        ModelError: The device is unknown or not there.
    """

    def __init__(self, path: Path, device: Device = "auto") -> None:
        providers = _providers(device)
        self.path = path
        if not path.is_file():
            raise WeightsError(f"{path}: no such weights file; give the path of an ONNX file made by snadnet")
        options = ort.SessionOptions()
        options.use_deterministic_compute = True
        options.log_severity_level = _ERROR
        try:
            self._session = ort.InferenceSession(path, options, providers=providers)
        except Exception as error:  # ONNX Runtime's errors have no base class but Exception
            raise WeightsError(f"{path}: not a readable ONNX file, or damaged; export or copy it again") from error
        self.device: Device = "cuda" if self._session.get_providers()[0] == _CUDA else "cpu"
        if device == "cuda" and self.device != "cuda":
            raise ModelError(
                "ONNX Runtime could not start CUDA; check the NVIDIA driver and the CUDA and cuDNN libraries "
                "that onnxruntime-gpu needs, or use device 'cpu'"
            )
        _check_contract(path, self._session)
        self.size_multiple = _size_multiple(path, self._session)

    def __call__(self, crops: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Restore a batch of crops.

        Sizes that the network cannot take are padded by reflection (by repeating the edge where the crop is
        smaller than the padding) and cut back.

        Args:
            crops: float32 RGB ``(B, H, W, 3)`` in [0, 1].

        Returns:
            restored, float32 ``(B, H, W, 3)`` in [0, 1], and parsing, float32 ``(B, H, W, 19)`` class
            probabilities.

        Raises:
            ValueError: ``crops`` has another shape.
        """
        if crops.ndim != _DIMENSIONS or crops.shape[3] != _CONTRACT["blurred"] or 0 in crops.shape:
            raise ValueError(f"crops must be (B, H, W, 3) and not empty, not {crops.shape}")
        height, width = crops.shape[1:3]
        down, right = -height % self.size_multiple, -width % self.size_multiple
        mode: Literal["reflect", "edge"] = "reflect" if down < height and right < width else "edge"
        padded = np.pad(crops, ((0, 0), (0, down), (0, right), (0, 0)), mode=mode)
        blurred = np.ascontiguousarray(padded.transpose(0, 3, 1, 2), dtype=np.float32)
        restored, parsing = self._session.run(["restored", "parsing"], {"blurred": blurred})
        restored = np.clip(restored[:, :, :height, :width], 0, 1).transpose(0, 2, 3, 1)
        parsing = parsing[:, :, :height, :width].transpose(0, 2, 3, 1)
        return np.ascontiguousarray(restored), np.ascontiguousarray(parsing)


def _providers(device: str) -> list[str]:
    if device not in ("auto", "cpu", "cuda"):
        raise ModelError(f"device {device!r} is unknown; choose auto, cpu or cuda")
    has_cuda = _CUDA in ort.get_available_providers()
    if device == "cuda" and not has_cuda:
        raise ModelError(
            "device 'cuda' needs the GPU build of ONNX Runtime; run: pip uninstall onnxruntime && "
            "pip install onnxruntime-gpu"
        )
    return [_CUDA, _CPU] if has_cuda and device != "cpu" else [_CPU]


def _check_contract(path: Path, session: ort.InferenceSession) -> None:
    """Raise WeightsError unless the graph's inputs and outputs are those of the contract."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if [node.name for node in inputs] != ["blurred"] or {node.name for node in outputs} != {
        "restored",
        "parsing",
    }:
        raise WeightsError(
            f"{path}: not a snadnet restoration network: it needs the input 'blurred' and the outputs "
            "'restored' and 'parsing'; make it with: snadnet export"
        )
    for node in (*inputs, *outputs):
        channels = node.shape[_CHANNEL_AXIS] if len(node.shape) == _DIMENSIONS else None
        expected = _CONTRACT[node.name]
        unnamed = isinstance(channels, str) or (channels is None and len(node.shape) == _DIMENSIONS)
        if node.type != "tensor(float)" or not (channels == expected or unnamed):
            raise WeightsError(
                f"{path}: {node.name!r} is {node.type} {node.shape}, not float32 (B, {expected}, H, W); "
                "make it with: snadnet export"
            )


def _size_multiple(path: Path, session: ort.InferenceSession) -> int:
    text = session.get_modelmeta().custom_metadata_map.get(SIZE_MULTIPLE_KEY, str(DEFAULT_SIZE_MULTIPLE))
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise WeightsError(f"{path}: its {SIZE_MULTIPLE_KEY} {text!r} is no positive whole number; export it again")
    return int(text)
