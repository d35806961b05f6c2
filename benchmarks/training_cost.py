"""Operations of a training step of the paper's configurations, and the projected time on GPUs.

The operations are counted on a real step with one image (forward and backward passes of parser, generator and
discriminator); nothing is timed. The time follows from a speed that is assumed (``--tflops``).

Example: ``python benchmarks/training_cost.py --tflops 20``
"""

import sys
from pathlib import Path
from typing import Annotated, Final

import torch
import typer
from torch.utils.flop_counter import FlopCounterMode

from snadnet.environment import run_header
from snadnet.errors import SnadnetError
from snadnet.losses import AdversarialScores, GeneratorLoss, GeneratorOutcome, discriminator_loss, region_masks
from snadnet.models import create_network
from snadnet.models.snadnet import SNADNet
from snadnet.models.snadnet.discriminator import MultiPatchDiscriminator
from snadnet.training import load_settings
from snadnet.training.recipes.snadnet import SNADNetSettings

CONFIGS: Final = Path(__file__).parents[1] / "configs"
TRAINING_FACES: Final = {"celeba": 162_770, "celeba-hq": 28_000}
GPUS: Final = (1, 8)


def main(
    *,
    tflops: Annotated[float, typer.Option(min=0.1, help="Sustained TFLOP/s of one GPU: an assumption.")] = 20.0,
    scaling: Annotated[float, typer.Option(min=0.1, max=1, help="Efficiency of eight GPUs: an assumption.")] = 0.9,
) -> None:
    """Print the operations of a step, and the projected times of an epoch and of the whole training."""
    print(run_header(["snadnet", "torch"]))
    print(f"ASSUMED, not measured: {tflops:g} TFLOP/s sustained on one GPU, {100 * scaling:g} % efficiency on eight\n")
    print("protocol   px  batch   steps  epochs    GFLOP/image  GPUs  epoch h  training h  GPU h")
    for name, faces in TRAINING_FACES.items():
        settings = load_settings(CONFIGS / "snadnet" / f"{name}.yaml")
        assert isinstance(settings, SNADNetSettings)
        size, batch = settings.data.sizes[0].size, settings.data.sizes[0].batch_size
        flops = step_flops(settings.model, size, width=settings.adversarial.width)
        steps = settings.schedule.steps
        assert steps is not None
        hours = flops * batch * steps / (tflops * 1e12) / 3600
        epochs = batch * steps / faces
        for gpus in GPUS:
            taken = hours / gpus / (1 if gpus == 1 else scaling)
            print(
                f"{name:9s} {size:3d}  {batch:5d}  {steps:6d}  {epochs:6.1f}  {flops / 1e9:13.1f}  {gpus:4d}"
                f"  {taken / epochs:7.2f}  {taken:10.1f}  {taken * gpus:5.0f}"
            )


def step_flops(model: str, size: int, *, width: int) -> int:
    """Floating-point operations of one image's part in a step of stage II with the discriminator.

    Args:
        model: A SNADNet in the registry.
        size: Side of the image in pixels.
        width: Channels of the discriminator's first block.
    """
    network = create_network(model)
    assert isinstance(network, SNADNet)
    critic = MultiPatchDiscriminator(size, width=width)
    blurred, sharp = torch.rand(2, 1, 3, size, size).unbind()
    masks = region_masks(torch.randint(0, 19, (1, size, size)))
    with FlopCounterMode(display=False) as counter:
        output = network.generator(blurred, network.parse(blurred))
        critic.requires_grad_(False)
        fake = critic(output.restored)
        with torch.no_grad():
            real = critic(sharp)
        critic.requires_grad_(True)
        scores = AdversarialScores(fake=fake, real=real)
        outcome = GeneratorOutcome(output.restored, sharp, masks, textures=output.textures, scores=scores)
        loss = GeneratorLoss()(outcome).total
        torch.autograd.backward(loss)
        torch.autograd.backward(discriminator_loss(critic(output.restored.detach()), critic(sharp)))
    return int(counter.get_total_flops())


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
