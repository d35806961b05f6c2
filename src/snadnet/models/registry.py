"""The registry of networks, by name: what each family, a package beside this module, declares as ``DESCRIPTORS``."""

from pathlib import Path
from typing import Final

import torch
from torch import nn

from snadnet.catalogue import current_name
from snadnet.errors import ModelError, WeightsError
from snadnet.models.checkpoint_io import load_state, read_weights
from snadnet.models.descriptor import ModelDescriptor, Task
from snadnet.models.discovery import collect
from snadnet.models.restorer import Restorer

_NOT_FAMILIES: Final = ("convert", "layers")
_REGISTRY: Final[dict[str, ModelDescriptor]] = {
    descriptor.name: descriptor
    for descriptors in collect("snadnet.models", "DESCRIPTORS", skip=_NOT_FAMILIES, packages=True)
    for descriptor in descriptors
}


def list_models(task: Task | None = None) -> list[str]:
    """Return the names of all networks, or of those for one task, in alphabetical order."""
    return sorted(name for name, entry in _REGISTRY.items() if task in (None, entry.task))


def describe_model(name: str) -> ModelDescriptor:
    """Return what is known of a network, by its name or a former one.

    Raises:
        ModelError: If there is no network of that name.
    """
    registered = current_name(name)
    if registered not in _REGISTRY:
        raise ModelError(f"there is no model {name!r}; choose one of: {', '.join(list_models())}")
    return _REGISTRY[registered]


def create_network(name: str) -> nn.Module:
    """Build an untrained network as its paper has it: its own range, sizes and outputs.

    Raises:
        ModelError: If there is no network of that name.
    """
    return describe_model(name).build()


def create_model(name: str) -> nn.Module:
    """Build an untrained model. All take RGB ``(B, 3, H, W)`` in ``[0, 1]`` of any size from 32 px.

    A deblurring model gives a restored image of the same shape and range (``Restorer``), a parser logits
    ``(B, 19, H, W)``.

    Raises:
        ModelError: If there is no network of that name.
    """
    return wrap(create_network(name), name)


def read_model(path: str | Path, *, expected: str | None = None) -> nn.Module:
    """Build the model that a weights file names, with the file's weights, in evaluation mode.

    Args:
        path: A ``.safetensors`` file that ``save_network`` wrote.
        expected: The only name to accept, if given.

    Returns:
        What ``create_model`` builds: a ``Restorer``, whose ``core`` is the network of the paper, or a face parser.

    Raises:
        WeightsError: If the file is missing, damaged, of another network than expected, or does not fit it.
        ModelError: If the network it names is unknown.
    """
    path = Path(path)
    name, state = read_weights(path)
    if expected is not None and name != current_name(expected):
        raise WeightsError(f"{path}: holds weights of {name!r}, expected '{expected}'")
    with torch.random.fork_rng(devices=[]):
        network = create_network(name)
    load_state(network, state, path)
    return wrap(network, name).eval()


def wrap(network: nn.Module, name: str) -> nn.Module:
    """Give the network ``name`` the interface that all models of its task share; parsers have it already."""
    descriptor = describe_model(name)
    return Restorer(network, descriptor) if descriptor.task == "deblurring" else network
