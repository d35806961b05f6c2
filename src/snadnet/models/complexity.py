"""The size and cost of a network, counted on the network itself without computing anything."""

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from snadnet.catalogue import COST_SIDE
from snadnet.models.descriptor import ModelDescriptor


@dataclass(frozen=True)
class Complexity:
    """Size and cost of a network.

    Attributes:
        parameters: How many numbers it has to learn.
        macs: Multiply-accumulate operations of convolutions and matrix products for one image.
    """

    parameters: int
    macs: int


def measure_complexity(descriptor: ModelDescriptor, side: int = COST_SIDE) -> Complexity:
    """Count on the meta device: shapes pass through the network, no numbers do.

    Args:
        descriptor: The network.
        side: Height and width of the image in pixels; what padding adds is counted too.
    """
    with torch.device("meta"):
        network = descriptor.build().eval()
        rows, columns = descriptor.size.padded(side, side)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(torch.empty(1, 3, rows, columns))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Complexity(parameters, counter.get_total_flops() // 2)
