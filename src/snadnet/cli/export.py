"""``snadnet export``."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from snadnet.batch.storage import refuse_existing
from snadnet.cli.shared.extras import require_training_extra
from snadnet.cli.shared.options import OverwriteOption, output_option


def export(
    weights: Annotated[Path, typer.Argument(help="Weights of a deblurring network (.safetensors).")],
    output: Annotated[Path, output_option("The ONNX file to write.", metavar="FILE")],
    overwrite: OverwriteOption = False,
) -> None:
    """Write the weights of any deblurring network as one ONNX graph, which snadnet deblur runs without PyTorch."""
    require_training_extra()
    from snadnet.export import export_onnx  # noqa: PLC0415 (needs PyTorch)
    from snadnet.models import read_model  # noqa: PLC0415

    refuse_existing([output], overwrite=overwrite)
    export_onnx(read_model(weights), output, log_step=partial(typer.echo, err=True), source=weights.name)
    typer.echo(f"{output}: written ({output.stat().st_size / 1e6:.1f} MB)")
