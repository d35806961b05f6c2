"""From a name or a file to a network that runs."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from snadnet.catalogue import current_name
from snadnet.errors import ConfigError, ModelError, WeightsError
from snadnet.inference import Backend, Device, OnnxBackend
from snadnet.inference.releases import chosen_weights, released_graphs, released_weights
from snadnet.photo import printable

TORCH_SUFFIX: Final = ".safetensors"
"""Weights files of this ending run on PyTorch; all others are taken for ONNX graphs."""


def open_network(model: str | None = None, weights: str | Path | None = None, device: Device = "auto") -> Backend:
    """Open a deblurring network.

    Args:
        model: A released name; or, beside ``weights``, the registered name of the network that the file must hold.
        weights: ``"fidelity"`` or ``"natural"`` for released ones, or a file that ``snadnet export`` (.onnx), ``snadnet
            train`` or ``snadnet import`` (.safetensors) wrote. None takes the released weights of ``model``, or of the
            default model.
        device: ``"cpu"``, ``"cuda"``, or ``"auto"`` for CUDA where the file's runtime has it and the CPU elsewhere.

    Raises:
        WeightsError: There are no released weights of that name, or the file is missing, damaged, or of another
            network.
        ModelError: The name is unknown or a parser's, or the device is not there.
        ConfigError: The file needs PyTorch, which is not installed.
    """
    if weights is None and model is not None:
        return OnnxBackend(_released(model), device)
    path = chosen_weights(weights)
    network = _on_torch(path, device) if path.suffix.lower() == TORCH_SUFFIX else OnnxBackend(path, device)
    if model is not None and network.model != current_name(model):
        if network.model is None:
            raise WeightsError(
                f"{printable(path)}: does not say which model it holds; export it again, or name no model"
            )
        raise WeightsError(
            f"{printable(path)}: holds the model {printable(network.model)[:40]!r}, not {printable(model)!r}; "
            "give that model's file, or name no model"
        )
    return network


def _released(model: str) -> Path:
    released = released_graphs()
    if model in released:
        return released_weights(model)
    if _has_torch():
        from snadnet.models import describe_model  # noqa: PLC0415 (needs PyTorch)

        if describe_model(model).task != "deblurring":
            raise ModelError(f"the model {model!r} is a face parser; name a deblurring network")
    raise WeightsError(
        f"no weights of the model {printable(model)!r} come with snadnet, only those of {', '.join(released)}; "
        "give a file with --weights: one that snadnet train or snadnet import wrote (.safetensors), or snadnet export "
        "from that (.onnx)"
    )


def _on_torch(path: Path, device: Device) -> Backend:
    if not _has_torch():
        raise ConfigError(
            f"{printable(path)}: needs PyTorch: pip install 'snadnet[train]', or have it turned into an ONNX file "
            "where that is installed: snadnet export"
        )
    from snadnet.inference.torch_backend import TorchBackend  # noqa: PLC0415

    return TorchBackend(path, device)


def _has_torch() -> bool:
    return all(find_spec(package) is not None for package in ("torch", "safetensors"))
