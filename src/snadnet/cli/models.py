"""``snadnet models``."""

from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

_NARROWEST = 80


def models() -> None:
    """List all networks by paper: parameters, cost at 256 px, picture sizes, released weights and licence."""
    from snadnet.cli.shared.extras import require_training_extra  # noqa: PLC0415

    require_training_extra()
    from snadnet.models import describe_model, list_models  # noqa: PLC0415 (needs PyTorch)
    from snadnet.models.complexity import SIDE, model_figures  # noqa: PLC0415

    console = Console()
    # Where the terminal is narrower, a line may break, but no figure is cut.
    console.width = max(console.width, _NARROWEST)
    released = _released_models()
    descriptors = sorted((describe_model(name) for name in list_models()), key=lambda one: (one.year, one.paper))
    for (paper, year), family in groupby(descriptors, key=lambda one: (one.paper, one.year)):
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
        for descriptor in members:
            figures = model_figures(descriptor)
            parameters, gigamacs = f"{figures.parameters / 1e6:.3f} M", f"{figures.macs / 1e9:.2f}"
            weights = "released" if descriptor.name in released else "-"
            table.add_row(descriptor.name, parameters, gigamacs, str(descriptor.size), weights)
        console.print(table)
    console.print(
        f"GMACs: billions of multiply-adds of convolutions and matrix products for one picture of {SIDE} x {SIDE} px. "
        "Sides: the pixels a network takes; other pictures from 32 px are padded, and the result cropped.",
        highlight=False,
    )


def _released_models() -> set[str]:
    """The models whose weights this package brings."""
    from snadnet.inference.releases import released_names, released_weights  # noqa: PLC0415
    from snadnet.models import read_weights  # noqa: PLC0415 (needs PyTorch)

    names = (name for name in released_names() if name.endswith(".safetensors"))
    return {read_weights(released_weights(name))[0] for name in names}
