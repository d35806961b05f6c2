"""Weights files: safetensors that name their network. Reading one cannot run code."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from snadnet.catalogue import current_name
from snadnet.errors import WeightsError
from snadnet.files import write_atomically
from snadnet.models.registry import create_network, wrap

_FORMAT = "snadnet-weights-1"


def save_network(path: Path, network: nn.Module, name: str, *, half: bool = False, **facts: str) -> None:
    """Write a network's weights and buffers, never half a file.

    Args:
        path: the ``.safetensors`` file; an existing one is replaced.
        network: the network.
        name: its name in the registry.
        half: store floating-point tensors in half precision (they are read back as float32).
        facts: further text that the file's header keeps.
    """
    tensors = {}
    for key, tensor in network.state_dict().items():
        stored = tensor.half() if half and tensor.is_floating_point() else tensor
        tensors[key] = stored.detach().cpu().contiguous()
    header = {"format": _FORMAT, "model": current_name(name), "facts": json.dumps(facts)}
    write_atomically(path, save(tensors, metadata=header))


def read_weights(path: Path) -> tuple[str, dict[str, Tensor]]:
    """Return the network's name and its state, floating-point tensors as float32.

    Raises:
        WeightsError: if the file is missing, damaged or not a weights file of this project.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such weights file; give the path of a .safetensors file")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dictionary)
    except (SafetensorError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path}: not a readable safetensors file ({reason}); fetch it again") from error
    if header.get("format") != _FORMAT or "model" not in header:
        raise WeightsError(f"{path}: does not say which snadnet model it holds; use a file that snadnet wrote")
    return current_name(header["model"]), {
        key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in state.items()
    }


def load_state(network: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Load a state strictly.

    Raises:
        WeightsError: if a tensor is missing, left over or of another shape.
    """
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        detail = " ".join(str(error).split())[:300]
        raise WeightsError(f"{path}: the weights do not fit the network ({detail})") from error


def load_network(path: str | Path, *, expected: str | None = None) -> nn.Module:
    """Build the network that a weights file names and load the file into it, in evaluation mode.

    Args:
        path: a ``.safetensors`` file that :func:`save_network` wrote.
        expected: the only network name to accept, if given.

    Raises:
        WeightsError: if the file is missing, damaged, of another network than expected, or does not fit it.
        ModelError: if the network it names is unknown.
    """
    return _load(Path(path), expected)[1]


def read_model(path: str | Path, *, expected: str | None = None) -> nn.Module:
    """Build the model (:func:`create_model`) that a weights file names and load the file into it, for evaluation.

    Args:
        path: a ``.safetensors`` file that :func:`save_network` wrote.
        expected: the only name to accept, if given.

    Raises:
        WeightsError: if the file is missing, damaged, of another network than expected, or does not fit it.
        ModelError: if the network it names is unknown.
    """
    name, network = _load(Path(path), expected)
    return wrap(network, name).eval()


def _load(path: Path, expected: str | None) -> tuple[str, nn.Module]:
    name, state = read_weights(path)
    if expected is not None and name != current_name(expected):
        raise WeightsError(f"{path}: holds weights of {name!r}, expected '{expected}'")
    with torch.random.fork_rng(devices=[]):
        network = create_network(name)
    load_state(network, state, path)
    return name, network.eval()
