"""``snadnet devices``."""

import typer


def devices() -> None:
    """List what networks can run on here, as --device takes it."""
    from snadnet.inference.devices import list_devices  # noqa: PLC0415 (nothing heavy before it is needed)

    entries = list_devices()
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        notes = "there" if entry.there else f"not there: {entry.remedy}"
        tried = "" if entry.tried else "; not tried by us"
        typer.echo(f"{entry.name:{width}}  {entry.description}: {notes}{tried}")
    typer.echo("\nauto is cuda where it is there, and cpu elsewhere. No other choice falls back.")
