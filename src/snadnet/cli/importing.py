"""``snadnet import``."""

from pathlib import Path
from typing import Annotated, Final

import typer

from snadnet.catalogue import read_catalogue
from snadnet.cli.shared.extras import require_training_extra
from snadnet.cli.shared.options import OverwriteOption, output_option
from snadnet.cli.shared.outputs import check_outputs

NAMES: Final = tuple(entry.name for entry in read_catalogue() if entry.importable)


def _complete(incomplete: str) -> list[str]:
    return [name for name in NAMES if name.startswith(incomplete)]


def import_weights(
    name: Annotated[str, typer.Argument(help=f"The network: {', '.join(NAMES)}.", autocompletion=_complete)],
    files: Annotated[
        list[Path], typer.Argument(help="The authors' file; for DMPHN their folder, for UMSN both files.")
    ],
    output: Annotated[
        Path | None,
        output_option("The file to write, by default NAME-imported.safetensors here.", metavar="FILE"),
    ] = None,
    unused: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Leave out the names in the files that this fits (* is any). Repeatable."),
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Read weights that the authors of a network released, so that all other commands take them."""
    require_training_extra()
    from snadnet.models import describe_model, save_network  # noqa: PLC0415 (needs PyTorch)
    from snadnet.models.convert import import_original  # noqa: PLC0415

    written = output or Path(f"{name}-imported.safetensors")
    check_outputs([written], [".safetensors"], overwrite=overwrite)
    imported = import_original(name, files, unused=unused or ())
    descriptor = describe_model(name)
    sources = "; ".join(f"{file} (SHA-256 {checksum})" for file, checksum in imported.checksums.items())
    save_network(written, imported.network, name, source=sources, paper=descriptor.paper, licence=descriptor.licence)
    for note in imported.notes:
        typer.echo(note)
    counts = imported.counts
    typer.echo(
        f"{written}: written ({written.stat().st_size / 1e6:.1f} MB); of the original's names {counts.used} used, "
        f"{counts.unused} known to be unused; licence of the original: {descriptor.licence}"
    )
