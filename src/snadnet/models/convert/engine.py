"""Fill a network from a checkpoint of another layout: every name is used, or known to be unused, or refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from snadnet.errors import WeightsError
from snadnet.models.checkpoint_io import check_finite
from snadnet.models.convert.layout import Layout, Renames, State

_NAMED = 3
_COUNTER = ".num_batches_tracked"
"""Batch normalization's counter, which matters only without a momentum; files of PyTorch before 0.4.1 lack it."""


@dataclass(frozen=True)
class Counts:
    """How many of a checkpoint's names were used.

    Attributes:
        used: How many a network's tensors came from, shared ones each counted.
        unused: How many are known to be unused.
    """

    used: int
    unused: int


def fill(network: nn.Module, state: State, layout: Layout, source: str, *, unused: Sequence[str] = ()) -> Counts:
    """Load a checkpoint into a network strictly.

    Args:
        network: The network, on the CPU; its tensors are replaced.
        state: The checkpoint's tensors by the authors' names.
        layout: How these names lead to ours.
        source: The file or folder, for messages.
        unused: Patterns of further names to leave out.

    Raises:
        WeightsError: If a name is neither known nor unused, if a tensor is missing, of another shape or kind or
            not finite, or if the copies of a shared one differ.
    """
    patterns = (*layout.unused, *unused)
    kept = {name: value for name, value in state.items() if not any(fnmatchcase(name, each) for each in patterns)}
    ours = network.state_dict()
    renames = layout.renames_for(kept, ours, source)
    targets = {name: target for name in kept if (target := _renamed(name, renames)) in ours}

    def refuse(what: str, names: Sequence[str]) -> WeightsError:
        listed = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
        return WeightsError(f"{source}: {what}: {listed}; {layout.remedy}")

    if unknown := [name for name in kept if name not in targets]:
        raise refuse("holds what the network does not have", unknown)
    filled: dict[str, Tensor] = {}
    for name, target in targets.items():
        tensor = _checked(name, kept[name], ours[target], source, layout)
        if target in layout.rows:
            tensor = tensor[list(layout.rows[target])]
        if target in filled and not torch.equal(filled[target], tensor):
            first = next(other for other in targets if targets[other] == target)
            raise refuse("holds different values where one tensor is shared", [first, name])
        filled.setdefault(target, tensor)
    for target in ours.keys() - filled.keys():
        if target.endswith(_COUNTER):
            filled[target] = torch.zeros((), dtype=torch.int64)
    if missing := [_original(target, renames) for target in ours if target not in filled]:
        raise refuse("lacks what the network needs", missing)
    network.load_state_dict(filled, strict=True, assign=True)
    return Counts(used=len(kept), unused=len(state) - len(kept))


def _renamed(name: str, renames: Renames) -> str:
    """Our name for one of the authors', or nothing."""
    start = name
    while start not in renames:
        start, dot, _ = start.rpartition(".")
        if not dot:
            return ""
    return renames[start] + name[len(start) :]


def _original(target: str, renames: Renames) -> str:
    """The authors' name for one of ours, or ours where it has none."""
    starts = [(ours, theirs) for theirs, ours in renames.items() if f"{target}.".startswith(f"{ours}.")]
    if not starts:
        return f"our {target}"
    ours, theirs = max(starts, key=lambda pair: len(pair[0]))
    return theirs + target[len(ours) :]


def _checked(name: str, value: object, ours: Tensor, source: str, layout: Layout) -> Tensor:
    """Return a checkpoint's tensor with our precision."""
    if not isinstance(value, Tensor) or value.is_floating_point() != ours.is_floating_point():
        kind = str(value.dtype) if isinstance(value, Tensor) else type(value).__name__
        raise WeightsError(f"{source}: {name} holds {kind}, not a tensor of {ours.dtype}; {layout.remedy}")
    if value.shape != ours.shape:
        shapes = f"has the shape {tuple(value.shape)}, the network {tuple(ours.shape)}"
        raise WeightsError(f"{source}: {name} {shapes}; {layout.remedy}")
    check_finite({name: value}, source, "give another copy of the file, or one of an earlier step")
    return value.to(ours.dtype)
