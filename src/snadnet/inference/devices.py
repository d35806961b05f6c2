"""Devices: where networks of ONNX files run, by the names that users give, and what this machine has of them."""

from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Final, Literal

from snadnet.errors import ModelError

TorchDevice = Literal["auto", "cpu", "cuda"]
"""Where PyTorch runs: ``"auto"`` is CUDA where it is there, and the CPU elsewhere."""

Device = Literal["auto", "cpu", "cuda", "openvino", "coreml", "directml"]
"""Where a network runs; PyTorch has only the first three. Only ``"auto"`` falls back to another, the CPU."""

CPU: Final = "CPUExecutionProvider"


@dataclass(frozen=True)
class DeviceEntry:
    """A device that a network may run on.

    Attributes:
        name: What it is called on the command line.
        description: What it is, in words.
        remedy: What brings it, in words.
        tried: Whether deblurring was run on it by those who wrote this.
        provider: ONNX Runtime's name of it; None where another runtime has it.
        there: Whether it is there on this machine.
    """

    name: Device
    description: str
    remedy: str
    tried: bool
    provider: str | None
    there: bool = False


_KNOWN: Final = (
    DeviceEntry("cpu", "the processor, by ONNX Runtime", "pip install onnxruntime", tried=True, provider=CPU),
    DeviceEntry("openvino", "the processor, by OpenVINO", "pip install 'snadnet[openvino]'", tried=True, provider=None),
    DeviceEntry(
        "cuda",
        "NVIDIA graphics cards, by ONNX Runtime",
        "pip uninstall onnxruntime && pip install onnxruntime-gpu",
        tried=False,
        provider="CUDAExecutionProvider",
    ),
    DeviceEntry(
        "coreml",
        "Apple's processors, by ONNX Runtime",
        "pip install onnxruntime, on macOS",
        tried=False,
        provider="CoreMLExecutionProvider",
    ),
    DeviceEntry(
        "directml",
        "graphics cards on Windows, by ONNX Runtime",
        "pip uninstall onnxruntime && pip install onnxruntime-directml",
        tried=False,
        provider="DmlExecutionProvider",
    ),
)


def list_devices() -> tuple[DeviceEntry, ...]:
    """Return all devices that networks of ONNX files can run on, and whether each is there."""
    import onnxruntime as ort  # noqa: PLC0415 (the names alone need no runtime)

    providers = ort.get_available_providers()
    return tuple(
        replace(
            entry, there=find_spec("openvino") is not None if entry.provider is None else entry.provider in providers
        )
        for entry in _KNOWN
    )


def chosen_device(device: Device) -> DeviceEntry:
    """Return the device that a user asked for.

    Raises:
        ModelError: If it is unknown or not there.
    """
    entries = {entry.name: entry for entry in list_devices()}
    if device == "auto":
        return entries["cuda"] if entries["cuda"].there else entries["cpu"]
    if device not in entries:
        raise ModelError(f"device {device!r} is unknown; choose auto, {', '.join(entries)}; see snadnet devices")
    entry = entries[device]
    if not entry.there:
        raise ModelError(f"device {device!r} is not there; run: {entry.remedy}; or choose cpu")
    return entry
