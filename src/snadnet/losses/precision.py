"""Losses are summed in at least float32, also when a network runs in half precision."""

import torch
from torch import Tensor


def at_least_float32(values: Tensor) -> Tensor:
    """Cast half-precision values to float32; float32 and float64 stay as they are."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
