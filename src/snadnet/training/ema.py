"""The exponential moving average of the weights, which is what gets validated and released."""

from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

_Tensors: TypeAlias = list[Tensor] | tuple[Tensor, ...]


def exponential_average(network: nn.Module, decay: float) -> AveragedModel:
    """Return an average of the network's weights that follows them by ``update_parameters``.

    The decay warms up as ``min(decay, (1 + n) / (10 + n))`` after ``n`` updates, so that the initial weights are
    soon forgotten. Buffers are copied, not averaged.
    """

    @torch.no_grad()
    def follow(averages: _Tensors, weights: _Tensors, updates: Tensor | int) -> None:
        count = float(updates)
        current = min(decay, (1.0 + count) / (10.0 + count))
        torch._foreach_lerp_(averages, weights, 1.0 - current)

    return AveragedModel(network, multi_avg_fn=follow, use_buffers=False)
