"""Weights that other authors released, read into our networks by declared renames, strictly.

One ``Layout`` a family says how the authors named what we hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from snadnet.catalogue import current_name
from snadnet.errors import ModelError
from snadnet.models.convert.deblurgan import DEBLURGAN
from snadnet.models.convert.deblurganv2 import INCEPTION, MOBILENET
from snadnet.models.convert.dmphn import dmphn
from snadnet.models.convert.engine import Counts, fill
from snadnet.models.convert.files import read_checkpoint
from snadnet.models.convert.layout import Layout
from snadnet.models.convert.mprnet import MPRNET
from snadnet.models.convert.nafnet import nafnet
from snadnet.models.convert.umsn import UMSN
from snadnet.models.nafnet import NAFNET_32, NAFNET_64
from snadnet.models.registry import create_network

__all__ = ["LAYOUTS", "Counts", "Imported", "Layout", "import_original"]

LAYOUTS: dict[str, Layout] = {
    "deblurgan": DEBLURGAN,
    "deblurgan-released-block": DEBLURGAN,
    "deblurgan-released-dropout": DEBLURGAN,
    "deblurganv2-inception": INCEPTION,
    "deblurganv2-inception-released": INCEPTION,
    "deblurganv2-mobilenet": MOBILENET,
    "deblurganv2-mobilenet-released": MOBILENET,
    "dmphn-1-2-4": dmphn(3),
    "dmphn-1-2-4-8": dmphn(4),
    "mprnet": MPRNET,
    "nafnet-32": nafnet(NAFNET_32),
    "nafnet-64": nafnet(NAFNET_64),
    "umsn": UMSN,
    "umsn-released": UMSN,
}
"""By the registry's names. What only differs at inference (``-released...``) takes the same files."""


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
    with torch.device("meta"):
        network = create_network(name)
    counts = fill(network, checkpoint.state, layout, checkpoint.source, unused=unused)
    return Imported(network.eval(), counts, checkpoint.checksums, checkpoint.notes)
