"""The ``snadnet`` command: collects the verbs and turns errors into one clear line and an exit code."""

import sys

import typer
from rich.console import Console

from snadnet.cli import blur, deblur, export, train
from snadnet.errors import SnadnetError

app = typer.Typer(
    name="snadnet",
    help="Deblur the faces in a photo. The result is an estimate, not evidence: do not identify people by it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

app.command()(deblur.deblur)
app.command()(blur.blur)
app.command()(export.export)
app.add_typer(train.app, name="train")


def main() -> None:
    """Run the command line; the exit code is 0 (all done), 1 (something failed), 2 (usage) or 3 (no face)."""
    try:
        app()
    except SnadnetError as error:
        Console(stderr=True, soft_wrap=True).print(f"snadnet: {error}", markup=False, highlight=False)
        sys.exit(1)
