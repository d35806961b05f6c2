"""The ``snadnet`` command: collects the verbs and turns errors into one clear line and an exit code."""

import io
import sys
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from snadnet import __version__
from snadnet.cli import (
    benchmark,
    blur,
    evaluate,
    evaluate_parsers,
    export,
    figure,
    freeze,
    importing,
    kernels,
    label,
    models,
    prepare,
    serve,
    train,
)
from snadnet.cli.deblur import command
from snadnet.errors import SnadnetError

app = typer.Typer(
    name="snadnet",
    help="Deblur the faces in a photo. The result is an estimate, not evidence: do not identify people by it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

app.command()(command.deblur)
app.command()(blur.blur)
app.command()(benchmark.benchmark)
app.command()(evaluate.evaluate)
app.command("evaluate-parsers")(evaluate_parsers.evaluate_parsers)
app.command()(export.export)
app.command()(freeze.freeze)
app.command("import")(importing.import_weights)
app.command()(kernels.kernels)
app.command()(label.label)
app.command()(models.models)
app.command()(serve.serve)
app.command()(train.train)
app.add_typer(figure.app, name="figure")
app.add_typer(prepare.app, name="prepare")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"snadnet {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    del version  # its callback has done the work


def main() -> None:
    """Run the command line; the exit code is 0 (all done), 1 (something failed), 2 (usage) or the verb's own."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file's name may have letters that the terminal's encoding lacks, which must not end a batch.
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except SnadnetError as error:
        _fail(str(error))
    except OSError as error:
        # A full disk or a folder without permission, met where no better message could be made.
        place = f"{error.filename}: " if error.filename else ""
        _fail(f"{place}{error.strerror or error}; check the disk and the permissions")


def _fail(line: str) -> NoReturn:
    Console(stderr=True, soft_wrap=True).print(f"snadnet: {line}", markup=False, highlight=False)
    sys.exit(1)
