"""``snadnet models``."""

from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from snadnet.catalogue import COST_SIDE, read_catalogue

_NARROWEST = 80


def models() -> None:
    """List all networks by paper: parameters, cost at 256 px, image sizes, released weights and licence."""
    console = Console()
    # Where the terminal is narrower, a line may break, but no number is cut.
    console.width = max(console.width, _NARROWEST)
    entries = sorted(read_catalogue(), key=lambda one: (one.year, one.paper))
    for (paper, year), family in groupby(entries, key=lambda one: (one.paper, one.year)):
        members = list(family)
        first = members[0]
        console.print(f"{paper} ({year})", style="bold", markup=False, highlight=False)
        console.print(f"{first.role}, {first.task}; licence of the original: {first.licence}", highlight=False)
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("name", no_wrap=True)
        for heading in ("parameters", "GMACs"):
            table.add_column(heading, justify="right")
        for heading in ("sides", "weights"):
            table.add_column(heading)
        for entry in members:
            weights = "released" if entry.releases else "import" if entry.importable else "-"
            parameters, gigamacs = f"{entry.parameters / 1e6:.3f} M", f"{entry.macs / 1e9:.2f}"
            table.add_row(entry.name, parameters, gigamacs, entry.sides, weights)
        console.print(table)
    console.print(
        "GMACs: billions of multiply-adds of convolutions and matrix products for one image of "
        f"{COST_SIDE} x {COST_SIDE} px. Sides: the pixels a network takes; other images from 32 px are padded, and the "
        "result cropped. Weights: released with this package, or imported from the authors' files (snadnet import).",
        highlight=False,
    )
