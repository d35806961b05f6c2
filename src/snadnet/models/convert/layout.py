"""How the authors' checkpoints name what our networks hold: declared once a family, read by one engine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

State = Mapping[str, Any]
"""Tensors by name, of a checkpoint or of a network."""
Renames = Mapping[str, str]
"""Names, or their beginnings up to a dot, to ours; the longest that fits a name holds."""


def numbered(original: str, ours: str, count: int, *, start: int = 0) -> dict[str, str]:
    """Rename ``count`` modules in a row, numbered from ``start`` in the original and from 0 in ours."""
    return {original.format(start + index): ours.format(index) for index in range(count)}


def joined(*levels: Renames) -> dict[str, str]:
    """Rename on several levels of nesting: all combinations of one entry of each, joined by dots."""
    combined = dict(levels[0])
    for level in levels[1:]:
        combined = {
            f"{original}.{inner}": f"{ours}.{our_inner}"
            for original, ours in combined.items()
            for inner, our_inner in level.items()
        }
    return combined


@dataclass(frozen=True)
class Layout:
    """The checkpoint of a network as its authors saved it.

    Attributes:
        files: What to give, for messages: "latest_net_G.pth".
        renames: See ``Renames``. Several names may lead to one of ours (one tensor under several names), which
            must then be equal.
        unused: Patterns, as of ``fnmatch``, of what the authors' program never reads, or ours has no use for.
        rows: Our tensors whose rows the authors have in another order: their index of each of our rows.
        suffix: Of the files to take where a folder is given; empty if one file holds everything.
        part: What is put before the names in one of several files, so that they do not collide.
        remedy: What to try when a checkpoint does not fit.
    """

    files: str
    renames: Renames = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    rows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    suffix: str = ""
    part: Callable[[Path, State], str] = lambda _path, _state: ""
    remedy: str = "give the file that the authors released"

    def renames_for(self, state: State, network: Mapping[str, torch.Tensor], source: str) -> Renames:
        """Return the renames for a checkpoint, given without its unused names, and the network that it is to fill.

        ``source`` is the file, for messages.
        """
        del state, network, source
        return self.renames
