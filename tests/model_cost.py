"""What a network costs, measured without computing anything."""

from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def gigamacs(build: Callable[[], nn.Module], size: int, *, inputs: int = 1) -> float:
    """Multiply-adds, in billions, of convolutions and matrix products for one square picture (on the meta device)."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        build()(*(torch.empty(1, 3, size, size) for _ in range(inputs)))
    return counter.get_total_flops() / 2e9
