"""What the full-size pass makes of its kernel: with the refined kernel and with the true one.

Example: ``python benchmarks/full_size.py runs/full-size/weights.safetensors data/ffhq --protocol celeba --count 48``
"""

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from scipy.stats import spearmanr
from torch import Tensor

from snadnet.blur import measure_consistency
from snadnet.data.blurs import RotatingBlur
from snadnet.data.image_folder import list_faces, split_by_name
from snadnet.data.protocols import PROTOCOLS
from snadnet.errors import ModelError, SnadnetError
from snadnet.metrics.fidelity import psnr
from snadnet.models import Restorer, read_model
from snadnet.models.snadnet import Draft, FullSizeOutput, FullSizeSNADNet
from snadnet.training.config import ValidationSettings
from snadnet.training.validation import fixed_faces

BATCH = 4
LEAST = 1e-9


def main(
    *,
    weights: Annotated[Path, typer.Argument(help="A .safetensors file of snadnet-small-full.")],
    faces: Annotated[Path, typer.Argument(help="A folder of aligned faces.")],
    protocol: Annotated[str, typer.Option(help="celeba or celeba-hq: one whose kernels are known.")] = "celeba",
    last: Annotated[int, typer.Option(min=1, help="So many faces, the last by name, are held out.")] = 200,
    count: Annotated[int, typer.Option(min=1, help="How many of them, evenly by name.")] = 48,
) -> None:
    """Print gains over the blurred input, L1 distances of kernels (0 to 2), and what the consistency is worth."""
    model = read_model(weights)
    network = model.core if isinstance(model, Restorer) else model
    if not isinstance(network, FullSizeSNADNet):
        raise ModelError(f"{weights}: has no full-size pass; give weights of snadnet-small-full")
    blurred, sharp, kernel = _faces(faces, protocol, last, count)
    rows: dict[str, list[Tensor]] = {}
    with torch.no_grad():
        for part in range(0, count, BATCH):
            here = slice(part, part + BATCH)
            for name, values in _measured(network, blurred[here], sharp[here], kernel[here]).items():
                rows.setdefault(name, []).append(values)
    results = {name: torch.cat(values) for name, values in rows.items()}
    print(f"{PROTOCOLS[protocol]}; {count} of the last {last} faces")
    errors = results.pop("error"), results.pop("consistency")
    for name, values in results.items():
        print(f"{name:>44}: {float(values.mean()):7.3f}   10th percentile {float(values.quantile(0.1)):7.3f}")
    rank = spearmanr(errors[1].numpy(), errors[0].numpy()).statistic
    print(f"rank correlation of what is left unexplained with the face's error: {rank:.2f}")


def _faces(folder: Path, protocol: str, last: int, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Blurred and sharp faces ``(N, 3, S, S)``, and true kernels ``(N, 49, 49)``."""
    chosen = PROTOCOLS[protocol]
    assert chosen.blur is not None
    assert not isinstance(chosen.blur, RotatingBlur)
    held_out = split_by_name(list_faces(folder), last)[1]
    (fixed,) = fixed_faces(held_out, ValidationSettings(faces=count, protocols=[protocol]))
    kernels = [chosen.blur.kernel(index * last // count) for index in range(count)]
    placed = np.stack([np.pad(kernel, (49 - len(kernel)) // 2) for kernel in kernels])
    return fixed.blurred, fixed.sharp, torch.from_numpy(placed).float()


def _measured(network: FullSizeSNADNet, blurred: Tensor, sharp: Tensor, true: Tensor) -> dict[str, Tensor]:
    """What is measured of some faces, by name: each ``(B,)``."""
    before = psnr(blurred, sharp)

    def gain(restored: Tensor) -> Tensor:
        return psnr(restored.clamp(0.0, 1.0), sharp) - before

    draft: Draft = network.draft(blurred)
    refined: Tensor = network.refiner(draft.kernel, draft.regressed)
    result = {
        "blurred input, dB": before,
        "finished network, gain": gain(draft.restored),
        "its kernel, enlarged: L1": (draft.kernel - true).abs().sum(dim=(1, 2)),
        "kernel refined at full size: L1": (refined.exp() - true).abs().sum(dim=(1, 2)),
    }
    for name, log_kernel in {"refined kernel": refined, "true kernel": true.clamp_min(LEAST).log()}.items():
        output: FullSizeOutput = network(blurred, draft, log_kernel=log_kernel)
        for number, faces in enumerate(output.rounds, 1):
            result[f"{name}, gain after round {number}"] = gain(faces)
        if name == "refined kernel":
            result["error"] = (output.restored - sharp).square().mean(dim=(1, 2, 3)).sqrt()
            seen = (part.permute(0, 2, 3, 1).numpy() for part in (output.restored, blurred))
            each = zip(*seen, refined.exp().numpy(), strict=True)
            result["consistency"] = torch.tensor([measure_consistency(*parts).unexplained for parts in each])
    return result


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
