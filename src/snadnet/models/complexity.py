"""What a network costs, measured on the network itself without computing anything."""

from dataclasses import dataclass
from typing import Final

import torch
from torch.utils.flop_counter import FlopCounterMode

from snadnet.models.descriptor import ModelDescriptor

SIDE: Final = 256
"""Default of the side, in pixels, of the image that multiplications are counted on."""


@dataclass(frozen=True)
class ModelFigures:
    """Size and cost of a network.

    Attributes:
        parameters: Learnable numbers.
        macs: Multiply-accumulate operations of convolutions and matrix products for one image.
    """

    parameters: int
    macs: int


def model_figures(descriptor: ModelDescriptor, side: int = SIDE) -> ModelFigures:
    """Count on the meta device: shapes pass through the network, no numbers do.

    Args:
        descriptor: The network.
        side: Height and width in pixels of the image; what padding adds is counted too.
    """
    with torch.device("meta"):
        network = descriptor.build().eval()
        rows, columns = descriptor.size.padded(side, side)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(torch.empty(1, 3, rows, columns))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return ModelFigures(parameters, counter.get_total_flops() // 2)
