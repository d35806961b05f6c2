"""Weights that other authors released, read into our networks by declared renames, strictly.

One ``Layout`` a family says how the authors named what we hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import nn

from snadnet.catalogue import current_name
from snadnet.errors import ModelError
from snadnet.models.convert.engine import Counts, fill
from snadnet.models.convert.files import read_checkpoint
from snadnet.models.convert.layout import Layout
from snadnet.models.discovery import collect
from snadnet.models.registry import create_network

__all__ = ["LAYOUTS", "Counts", "Imported", "Layout", "import_original"]

LAYOUTS: Final[dict[str, Layout]] = {
    name: layout for layouts in collect(__name__, "LAYOUTS") for name, layout in layouts.items()
}
"""By the registry's names, from the modules of this package. Networks that differ at inference alone
(``-released...``) take the same files."""


@dataclass(frozen=True)
class Imported:
    """A network with the authors' weights.

    Attributes:
        network: In evaluation mode.
        counts: What became of the file's names.
        checksums: The SHA-256 of each file by its name.
        notes: Lines for the user on what was chosen in the files.
    """

    network: nn.Module
    counts: Counts
    checksums: dict[str, str]
    notes: tuple[str, ...]


def import_original(name: str, paths: Sequence[Path], *, unused: Sequence[str] = ()) -> Imported:
    """Build a network and fill it with weights that its authors released.

    Args:
        name: In the registry.
        paths: The authors' file; or files, or their folder, where they released several.
        unused: Patterns, as of ``fnmatch``, of names in the files to leave out.

    Raises:
        ModelError: If no layout of that name is known.
        WeightsError: If a file is missing, damaged or holds more than data, or does not fit the network: every name
            must be used or known to be unused, and every tensor of the network be filled.
    """
    name = current_name(name)
    if name not in LAYOUTS:
        raise ModelError(f"no released weights are known for {name!r}; choose one of: {', '.join(sorted(LAYOUTS))}")
    layout = LAYOUTS[name]
    checkpoint = read_checkpoint(paths, layout)
    with torch.random.fork_rng(devices=[]):
        network = create_network(name)
    counts = fill(network, checkpoint.state, layout, checkpoint.source, unused=unused)
    return Imported(network.eval(), counts, checkpoint.checksums, checkpoint.notes)
