"""``snadnet export``."""

from pathlib import Path
from typing import Annotated

import typer

from snadnet.errors import OutputExistsError


def export(
    weights: Annotated[Path, typer.Argument(help="Weights of a deblurring network (.safetensors).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The ONNX file to write.")],
    overwrite: Annotated[bool, typer.Option(help="Replace an existing file.")] = False,
) -> None:
    """Write the weights of any deblurring network as one ONNX graph, which snadnet deblur runs without PyTorch."""
    from snadnet.cli.shared.extras import require_training_extra  # noqa: PLC0415

    require_training_extra()
    from snadnet.export import export_onnx  # noqa: PLC0415 (needs PyTorch)
    from snadnet.models import read_model  # noqa: PLC0415

    if output.exists() and not overwrite:
        raise OutputExistsError(f"{output}: exists already; give another name or --overwrite")
    export_onnx(read_model(weights), output, source=weights.name)
    typer.echo(f"{output}: written ({output.stat().st_size / 1e6:.1f} MB)")
