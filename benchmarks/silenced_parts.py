"""What SNADNet's own parts do for the result of the full-size pass: each is silenced in turn, nothing is trained anew.

A part that is silenced in a finished network leaves the others with what they never saw, so that the loss is more than
what the part is worth: a network trained without it would make up for some of it (docs/research/tables.md).

Example: ``python benchmarks/silenced_parts.py data/ffhq --protocol celeba --count 48``
"""

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import torch
import typer
from torch import Tensor, nn

from snadnet.data.image_folder import list_faces, split_by_name
from snadnet.data.protocols import PROTOCOLS
from snadnet.environment import run_header
from snadnet.errors import SnadnetError
from snadnet.faces.classes import NUM_CLASSES
from snadnet.inference import resolve_weights
from snadnet.metrics.fidelity import psnr
from snadnet.models import read_model
from snadnet.models.snadnet import FullSizeSNADNet, SNADNet
from snadnet.models.snadnet.blocks import TextureEnhancement
from snadnet.models.snadnet.snad import AdaptiveDenormalization, SNADLayer
from snadnet.training.config import ValidationSettings
from snadnet.training.validation import fixed_faces

BATCH: Final = 4


def main(
    *,
    faces: Annotated[Path, typer.Argument(help="A folder of aligned faces.")],
    weights: Annotated[str, typer.Option(help="A network with a full-size pass.")] = "snadnet-small-full.safetensors",
    protocol: Annotated[str, typer.Option(help="Of aligned faces.")] = "celeba",
    last: Annotated[int, typer.Option(min=1, help="So many faces, the last by name, are held out.")] = 200,
    count: Annotated[int, typer.Option(min=1, help="How many of them, evenly by name.")] = 48,
) -> None:
    """Print the gain over the blurred input, before and after the full-size pass, with each part silenced."""
    held_out = split_by_name(list_faces(faces), last)[1]
    (fixed,) = fixed_faces(held_out, ValidationSettings(faces=count, protocols=[protocol]))
    blurred, sharp = fixed.blurred, fixed.sharp
    whole = read_model(resolve_weights(weights)).core
    assert isinstance(whole, FullSizeSNADNet)
    print(run_header(["snadnet", "torch"]))
    print(f"{PROTOCOLS[protocol]}; {count} of the last {last} faces; {weights}")
    print(
        f"blurred input {float(psnr(blurred, sharp).mean()):.2f} dB; gains in dB before the full-size pass, and after"
    )
    for name, silence in PARTS.items():
        network = copy.deepcopy(whole)
        assert isinstance(network.first, SNADNet)
        silence(network.first)
        gains = _gains(network.eval(), blurred, sharp)
        print(f"{name:>32}: {gains[0]:+.2f}  {gains[1]:+.2f}")


@torch.no_grad()
def _gains(network: FullSizeSNADNet, blurred: Tensor, sharp: Tensor) -> tuple[float, float]:
    """Mean gains over the blurred input of the first result, and of the full-size pass."""
    first, full = [], []
    for part in range(0, len(blurred), BATCH):
        given, true = blurred[part : part + BATCH], sharp[part : part + BATCH]
        draft = network.draft(given)
        before = psnr(given, true)
        first.append(psnr(draft.restored, true) - before)
        full.append(psnr(network(given, draft).restored.clamp(0.0, 1.0), true) - before)
    return float(torch.cat(first).mean()), float(torch.cat(full).mean())


def _nothing(_network: SNADNet) -> None:
    """The network as it is."""


def _parsing(network: SNADNet) -> None:
    """All classes alike, everywhere."""

    def parse(blurred: Tensor) -> Tensor:
        return torch.full_like(blurred[:, :1], 1.0 / NUM_CLASSES).repeat(1, NUM_CLASSES, 1, 1)

    network.parse = parse  # type: ignore[method-assign]


def _separable(network: SNADNet) -> None:
    """Instance normalization in its place: face and background together."""
    for layer in network.modules():
        if isinstance(layer, SNADLayer):
            assert layer.denormalization is not None
            layer.separable = None
            layer.plain = nn.InstanceNorm2d(layer.denormalization.affine.out_channels // 2)


def _denormalization(network: SNADNet) -> None:
    """Features stay normalized."""
    for layer in network.modules():
        if isinstance(layer, AdaptiveDenormalization):
            _zero(layer.affine)


def _texture(network: SNADNet) -> None:
    """Nothing is added to the features."""
    for layer in network.modules():
        if isinstance(layer, TextureEnhancement):
            _zero(layer.second)


@torch.no_grad()
def _zero(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        parameter.zero_()


PARTS: Final[dict[str, Callable[[SNADNet], None]]] = {
    "all parts": _nothing,
    "the same parsing everywhere": _parsing,
    "instance normalization": _separable,
    "no adaptive denormalization": _denormalization,
    "no texture enhancement": _texture,
}


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
