"""The registered networks as the runtime knows them, without PyTorch: names, papers, sizes, costs and licences."""

import functools
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

CATALOGUE_FILE: Final = "catalogue.json"
"""Written from the registry by ``python -m snadnet.models.listing``; a test holds that both agree."""

COST_SIDE: Final = 256
"""Side in pixels of the image that multiplications are counted on."""

FORMER_NAMES: Final = {
    f"{name}-cpu": f"{name}-tiny"
    for name in (
        "deblurgan",
        "deblurganv2-inception",
        "deblurganv2-mobilenet",
        "dmphn-1-2-4",
        "dmphn-1-2-4-8",
        "mprnet",
        "nafnet",
        "umsn",
    )
}
"""Names that networks once had, which weights files and configurations may still carry, to today's names."""


@dataclass(frozen=True)
class CatalogueEntry:
    """A registered network.

    Attributes:
        name: What it is called on the command line and in weights files.
        task: ``"deblurring"`` or ``"parsing"``.
        role: ``"ours"``, a ``"baseline"`` of the paper, or a ``"reference"`` that this project adds.
        paper: Authors and title of where it was published.
        year: When it was published.
        licence: The terms of the code and weights that the authors released; our own code is under MIT.
        parameters: How many numbers it has to learn.
        macs: Multiply-accumulate operations of convolutions and matrix products for one image of ``COST_SIDE`` px.
        sides: The sides in pixels that it takes without padding, in words.
        importable: Whether ``snadnet import`` reads the authors' files.
        releases: The released weights of it that come with this package.
    """

    name: str
    task: str
    role: str
    paper: str
    year: int
    licence: str
    parameters: int
    macs: int
    sides: str
    importable: bool
    releases: tuple[str, ...]


@functools.cache
def read_catalogue() -> tuple[CatalogueEntry, ...]:
    """Return all registered networks in alphabetical order of their names."""
    entries = json.loads((files("snadnet") / CATALOGUE_FILE).read_text(encoding="utf-8"))
    return tuple(CatalogueEntry(**{**entry, "releases": tuple(entry["releases"])}) for entry in entries)


def current_name(name: str) -> str:
    """Return today's name of a network; any other text is returned unchanged."""
    return FORMER_NAMES.get(name, name)
