"""Weights between those of two trainings of one network: less of what the second learned, and less of what it cost.

    python tools/interpolate_weights.py BEFORE.safetensors AFTER.safetensors --share 0.85 -o MIXED.safetensors

Weights that were trained on from others can mostly be mixed with them (network interpolation: Wang et al. 2018, ESRGAN,
section 3.4).
"""

from pathlib import Path
from typing import Annotated

import torch
import typer

from snadnet.errors import WeightsError
from snadnet.models import create_network, read_weights, save_network


def interpolate(
    first: Annotated[Path, typer.Argument(help="Weights that the second were trained on from (.safetensors).")],
    second: Annotated[Path, typer.Argument(help="Weights of the same network.")],
    share: Annotated[float, typer.Option(min=0, max=1, help="How far to go from the first to the second.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
) -> None:
    """Write the weights at ``share`` of the way between two files'."""
    (name, before), (other, after) = read_weights(first), read_weights(second)
    if name != other or before.keys() != after.keys():
        raise WeightsError(f"{second}: is of '{other}', and {first} of '{name}'; give two trainings of one network")
    network = create_network(name)
    # What did not learn stays as it is, to the sign of a zero: a graph finds it in the file that it rests on.
    mixed = {
        key: value if value.equal(after[key]) else torch.lerp(value.float(), after[key].float(), share)
        for key, value in before.items()
    }
    network.load_state_dict(mixed)
    save_network(output, network, name)
    typer.echo(f"{output}: written")


if __name__ == "__main__":
    typer.run(interpolate)
