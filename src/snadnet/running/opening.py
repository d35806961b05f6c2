"""From a name or a file to a network that runs."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from snadnet.errors import ConfigError, ModelError, WeightsError
from snadnet.network import CropNetwork, Device, RestorationNetwork
from snadnet.photo import shown
from snadnet.weights import chosen_weights, released_graphs, released_weights

TORCH_SUFFIX: Final = ".safetensors"
"""Weights files of this ending run on PyTorch; all others are taken for ONNX graphs."""


def open_network(model: str | None = None, weights: str | Path | None = None, device: Device = "auto") -> CropNetwork:
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
        return RestorationNetwork(_released(model), device)
    path = chosen_weights(weights)
    network = _on_torch(path, device) if path.suffix.lower() == TORCH_SUFFIX else RestorationNetwork(path, device)
    if model is not None and network.model != model:
        if network.model is None:
            raise WeightsError(f"{shown(path)}: does not say which model it holds; export it again, or name no model")
        raise WeightsError(
            f"{shown(path)}: holds the model {shown(network.model)[:40]!r}, not {shown(model)!r}; "
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
        f"no weights of the model {shown(model)!r} come with snadnet, only those of {', '.join(released)}; give a file "
        "with --weights: one that snadnet train or snadnet import wrote (.safetensors), or snadnet export from that "
        "(.onnx)"
    )


def _on_torch(path: Path, device: Device) -> CropNetwork:
    if not _has_torch():
        raise ConfigError(
            f"{shown(path)}: needs PyTorch: pip install 'snadnet[train]', or have it turned into an ONNX file where "
            "that is installed: snadnet export"
        )
    from snadnet.running.torch_network import TorchNetwork  # noqa: PLC0415

    return TorchNetwork(path, device)


def _has_torch() -> bool:
    return all(find_spec(package) is not None for package in ("torch", "safetensors"))
