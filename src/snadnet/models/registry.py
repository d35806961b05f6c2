"""The explicit registry of networks, by name. Each family declares its own in its ``DESCRIPTORS``."""

from torch import nn

from snadnet.catalogue import current_name
from snadnet.errors import ModelError
from snadnet.models import bisenet, deblurgan, deblurganv2, dmphn, mprnet, nafnet, snadnet, umsn, wiener
from snadnet.models.descriptor import ModelDescriptor, Task
from snadnet.models.restorer import Restorer

_DESCRIPTORS: tuple[ModelDescriptor, ...] = (
    *bisenet.DESCRIPTORS,
    *deblurgan.DESCRIPTORS,
    *deblurganv2.DESCRIPTORS,
    *dmphn.DESCRIPTORS,
    *mprnet.DESCRIPTORS,
    *nafnet.DESCRIPTORS,
    *snadnet.DESCRIPTORS,
    *umsn.DESCRIPTORS,
    *wiener.DESCRIPTORS,
)
_REGISTRY = {descriptor.name: descriptor for descriptor in _DESCRIPTORS}


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
        ModelError: if there is no network of that name.
    """
    return describe_model(name).build()


def create_model(name: str) -> nn.Module:
    """Build an untrained model. All take RGB ``(B, 3, H, W)`` in ``[0, 1]`` of any size from 32 px.

    A deblurring model gives a restored picture of the same shape and range (:class:`Restorer`), a parser logits
    ``(B, 19, H, W)``.

    Raises:
        ModelError: if there is no network of that name.
    """
    return wrap(create_network(name), name)


def wrap(network: nn.Module, name: str) -> nn.Module:
    """Give the network ``name`` the interface that all models of its task share; parsers have it already."""
    descriptor = describe_model(name)
    return Restorer(network, descriptor) if descriptor.task == "deblurring" else network
