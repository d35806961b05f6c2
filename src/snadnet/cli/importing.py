"""``snadnet import``."""

from pathlib import Path
from typing import Annotated, Final

import typer

from snadnet.catalogue import read_catalogue
from snadnet.errors import OutputExistsError

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
        typer.Option("--output", "-o", help="The file to write, by default NAME-imported.safetensors here."),
    ] = None,
    unused: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Leave out the names in the files that this fits (* is any). Repeatable."),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing file.")] = False,
) -> None:
    """Read weights that the authors of a network released, so that all other commands take them."""
    from snadnet.cli.shared.extras import require_training_extra  # noqa: PLC0415

    require_training_extra()
    from snadnet.models import describe_model, save_network  # noqa: PLC0415 (needs PyTorch)
    from snadnet.models.convert import import_original  # noqa: PLC0415

    written = output or Path(f"{name}-imported.safetensors")
    if written.suffix != ".safetensors":
        raise typer.BadParameter(f"{written} is to be called .safetensors", param_hint="--output")
    if written.exists() and not overwrite:
        raise OutputExistsError(f"{written}: exists already; give another name or --overwrite")
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
