"""Put trained weights into the package: safetensors in float16, the ONNX graph that shares them, their checksums.

    python tools/release_weights.py runs/deblurring/weights.safetensors --name snadnet-small
    python tools/release_weights.py runs/natural/weights.safetensors --name snadnet-small-natural
    python tools/release_weights.py runs/full-size/weights.safetensors --name snadnet-small-full
    python tools/release_weights.py runs/large/weights.safetensors --name snadnet-small-large
    python tools/release_weights.py runs/twice/weights.safetensors --name snadnet-small-twice
    python tools/release_weights.py runs/parsing-sharp/weights.safetensors --name bisenet-small-sharp

A released file with these weights is left as it is, and its graph made anew. A full-size pass is kept without the
finished network it was trained on, which must be the release snadnet-small, and a pass over that without
snadnet-small-full.

The model card beside them (``src/snadnet/weights/NAME.md``) is written by hand: data, steps, seed, scores, weaknesses.
"""

import json
from pathlib import Path
from typing import Annotated

import typer
from torch import nn

from snadnet.export import export_onnx, round_to_fp16, share_tensors
from snadnet.files import sha256_of, write_atomically
from snadnet.inference.releases import MANIFEST
from snadnet.models import Restorer, describe_model, read_model, read_weights, save_network
from snadnet.models.checkpoint_io import Base
from snadnet.models.snadnet import FullSizeSNADNet
from snadnet.safetensors_header import read_parts

FOLDER = Path(__file__).parents[1] / "src" / "snadnet" / "weights"
LARGEST = 16_000_000


def _finished(network: FullSizeSNADNet) -> str:
    """The release that a full-size pass was trained on top of."""
    return "snadnet-small-full" if isinstance(network.first, FullSizeSNADNet) else "snadnet-small"


def _holds(file: Path, network: nn.Module) -> bool:
    """Whether a released file has a network's weights already: written again, it would only be other bytes."""
    if not file.exists():
        return False
    held, rounded = read_weights(file)[1], round_to_fp16(network).state_dict()
    return held.keys() == rounded.keys() and all(value.equal(held[key]) for key, value in rounded.items())


def release(
    weights: Annotated[Path, typer.Argument(help="Weights to release (.safetensors).")],
    name: Annotated[str, typer.Option(help="Name of the release.")],
) -> None:
    """Write the release's files and their entries in the manifest."""
    model, _ = read_weights(weights)
    files = {f"{name}.safetensors": FOLDER / f"{name}.safetensors"}
    read = read_model(weights)
    network = read.core if isinstance(read, Restorer) else read
    base = Base(FOLDER / f"{_finished(network)}.safetensors", "first") if isinstance(network, FullSizeSNADNet) else None
    if not _holds(files[f"{name}.safetensors"], network):
        save_network(files[f"{name}.safetensors"], network, model, fp16=True, base=base)
    if describe_model(model).task == "deblurring":
        # The deblurrer asks for the plain name: that is the graph.
        files[name] = FOLDER / f"{name}.onnx"
        # From the released file: what it rests on has the same bytes then, to the sign of a zero, and is shared.
        export_onnx(read_model(files[f"{name}.safetensors"]), files[name], release=name)
        share_tensors(files[name], files[f"{name}.safetensors"])
    manifest_path = FOLDER / MANIFEST
    manifest = json.loads(manifest_path.read_text(encoding="utf-8")) if manifest_path.exists() else {}
    for entry, file in files.items():
        size = file.stat().st_size
        if size > LARGEST:
            raise typer.BadParameter(f"{file}: {size} bytes is over the limit of {LARGEST}")
        manifest[entry] = {"file": file.name, "sha256": sha256_of(file)}
        needed = [part.name for part in read_parts(files[f"{name}.safetensors"]) if part != file]
        if needed:
            manifest[entry]["rests_on"] = needed
        typer.echo(f"{file}: {size / 1e6:.1f} MB")
    write_atomically(manifest_path, (json.dumps(manifest, indent=2, sort_keys=True) + "\n").encode())


if __name__ == "__main__":
    typer.run(release)
