"""How fast the multi-patch discriminator wins against a trained generator, and what its gradient is then worth.

The generator stays as it is (released weights), so that only the discriminator's part is seen: its loss on faces that
it has not learnt from, how large its gradient on the restored image is beside that of the reconstruction (with the
weights of Eq. 15), and how well the step that it asks for agrees with what the restored face lacks.
"""

import sys
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Annotated, Final

import torch
import typer
from torch import Tensor
from torch.nn import functional as F

from snadnet.data.image_folder import list_faces
from snadnet.data.protocols import PROTOCOLS, blurred_pair
from snadnet.environment import run_header
from snadnet.errors import SnadnetError
from snadnet.image_arrays import to_float, to_uint8
from snadnet.inference import load_model, load_parser
from snadnet.inference.releases import DEFAULT_PARSER
from snadnet.losses import RegionReconstructionLoss, generator_loss, region_masks
from snadnet.losses.weights import AdversarialWeights
from snadnet.models.snadnet.discriminator import DiscriminatorOutput, MultiPatchDiscriminator

HELD_OUT: Final = 8  # faces, of those that are read
RECONSTRUCTION, ADVERSARIAL = 120.0, 0.1  # Eq. 15

Form = Callable[[Tensor], Tensor]
"""The loss of a score difference, real less fake."""


def logistic(difference: Tensor) -> Tensor:
    """The paper's (Eq. 17)."""
    return F.softplus(-difference)


def smoothed(difference: Tensor) -> Tensor:
    """The paper's, with 0.9 in the place of the label 1."""
    return 0.9 * F.softplus(-difference) + 0.1 * F.softplus(difference)


def hinge(difference: Tensor) -> Tensor:
    """Nothing is gained beyond a difference of 1."""
    return F.relu(1 - difference)


@dataclass(frozen=True)
class Variant:
    """A way to train the discriminator: what differs from the paper's."""

    rate: float = 2e-4
    every: int = 1
    noise: float = 0.0
    r1: float = 0.0
    form: Form = logistic


VARIANTS: Final = {
    "paper": Variant(),
    "rate 2e-5": Variant(rate=2e-5),
    "every 4th step": Variant(every=4),
    "labels of 0.9": Variant(form=smoothed),
    "hinge": Variant(form=hinge),
    "noise 0.05": Variant(noise=0.05),
    "noise 0.2": Variant(noise=0.2),
    "R1 of 1": Variant(r1=1.0),
    "R1 of 10": Variant(r1=10.0),
}


@dataclass(frozen=True)
class Pairs:
    """Restored and sharp faces (N, 3, H, W), and the sharp ones' regions (N, 4, H, W)."""

    restored: Tensor
    sharp: Tensor
    masks: Tensor

    def at(self, places: Tensor | slice) -> "Pairs":
        """Return some of them."""
        return Pairs(self.restored[places], self.sharp[places], self.masks[places])


def read_pairs(folder: Path, protocol: str, weights: str, count: int) -> Pairs:
    """Blur the first faces of a folder, and restore them."""
    network, parser = load_model(weights, "cpu"), load_parser(DEFAULT_PARSER, "cpu")
    restored, sharp = [], []
    for number, face in enumerate(list_faces(folder)[:count]):
        pair = blurred_pair(face.image, PROTOCOLS[protocol], number)
        result = network(to_float(to_uint8(pair[0]))[None]).restored[0]
        restored.append(torch.from_numpy(result).permute(2, 0, 1))
        sharp.append(torch.from_numpy(pair[1]).permute(2, 0, 1))
    with torch.inference_mode():
        labels = torch.cat([parser(face[None]).argmax(dim=1) for face in sharp])
    return Pairs(torch.stack(restored).contiguous(), torch.stack(sharp).contiguous(), region_masks(labels.clone()))


def loss_of(fake: DiscriminatorOutput, real: DiscriminatorOutput, form: Form) -> Tensor:
    """Return the discriminator's loss (Eq. 17) in one of its forms."""
    outputs = zip((*fake.patches, fake.score), (*real.patches, real.score), astuple(AdversarialWeights()), strict=True)
    return torch.stack([weight * form(high - low).mean() for low, high, weight in outputs]).sum()


def step(discriminator: MultiPatchDiscriminator, pairs: Pairs, variant: Variant) -> Tensor:
    """Return the loss of one step."""
    fake, real = (each + variant.noise * torch.randn_like(each) for each in (pairs.restored, pairs.sharp))
    real.requires_grad_(variant.r1 > 0)
    judged = discriminator(real)
    loss = loss_of(discriminator(fake), judged, variant.form)
    if variant.r1:
        total = sum(each.mean(dim=(1, 2, 3)).sum() for each in judged.patches) + judged.score.sum()
        (slope,) = torch.autograd.grad(total, real, create_graph=True)
        loss = loss + 0.5 * variant.r1 * slope.square().sum(dim=(1, 2, 3)).mean()
    return loss


def measured(discriminator: MultiPatchDiscriminator, pairs: Pairs) -> tuple[float, float, float]:
    """Return the loss (Eq. 17), the ratio of the gradients, and the agreement of the step with what is missing."""
    restored = pairs.restored.clone().requires_grad_()
    fake, real = discriminator(restored), discriminator(pairs.sharp)
    (adversarial,) = torch.autograd.grad(ADVERSARIAL * generator_loss(fake, real), restored)
    reconstruction = RECONSTRUCTION * RegionReconstructionLoss()(restored, pairs.sharp, pairs.masks)
    (pixels,) = torch.autograd.grad(reconstruction, restored)
    missing = pairs.sharp - pairs.restored
    agreement = F.cosine_similarity(-adversarial.flatten(1), missing.flatten(1)).mean()
    loss = loss_of(fake, real, logistic)
    return loss.item(), (adversarial.norm() / pixels.norm()).item(), agreement.item()


def main(
    faces: Annotated[Path, typer.Argument(help="Folder of sharp, aligned faces.")],
    *,
    protocol: str = "celeba",
    weights: str = "snadnet-small",
    steps: int = 60,
    batch_size: int = 4,
    width: int = 32,
    count: int = 120,
    seed: int = 0,
    variants: Annotated[list[str], typer.Option("--variant", help="Only these; repeatable.")] = list(VARIANTS),  # noqa: B006
) -> None:
    """Train the discriminator in several ways against a generator that stays as it is."""
    typer.echo(run_header(["snadnet", "torch"]))
    pairs = read_pairs(faces, protocol, weights, count)
    training, held_out = pairs.at(slice(None, -HELD_OUT)), pairs.at(slice(-HELD_OUT, None))
    typer.echo(
        f"{'variant':16} {'step':>5} {'loss':>6} {'ratio %':>8} {'agreement':>10}   on {HELD_OUT} faces held out"
    )
    for name in variants:
        variant = VARIANTS[name]
        torch.manual_seed(seed)
        discriminator = MultiPatchDiscriminator(pairs.sharp.shape[-1], width=width)
        optimizer = torch.optim.Adam(discriminator.parameters(), variant.rate, betas=(0.5, 0.999))
        for number in range(steps + 1):
            if number in (steps // 3, steps):
                loss, ratio, agreement = measured(discriminator, held_out)
                typer.echo(f"{name:16} {number:5} {loss:6.3f} {100 * ratio:8.2f} {agreement:+10.3f}")
                sys.stdout.flush()
            if number % variant.every == 0:
                chosen = torch.randint(len(training.sharp), (batch_size,))
                optimizer.zero_grad()
                step(discriminator, training.at(chosen), variant).backward()  # type: ignore[no-untyped-call]
                optimizer.step()


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
