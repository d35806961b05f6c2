"""Finiteness: training stops at the first loss that is NaN or infinite."""

from collections.abc import Mapping

import torch
from torch import Tensor

from snadnet.errors import TrainingError


class FiniteLosses:
    """Watches the losses of every step.

    On a GPU a step's losses are looked at once the next step has begun, so that the processor never waits for them.

    Attributes:
        failure: What is to be raised, once a loss was not finite; None until then.
    """

    def __init__(self) -> None:
        self.failure: TrainingError | None = None
        self._pending: tuple[int, list[str], Tensor, torch.cuda.Event] | None = None

    def watch(self, step: int, losses: Mapping[str, Tensor]) -> None:
        """Look at the losses of a step, or note them for `check_pending`."""
        values = torch.stack([loss.detach().float() for loss in losses.values()])
        if not values.is_cuda:
            self._check(step, list(losses), values)
            return
        copy = torch.empty_like(values, device="cpu", pin_memory=True)
        copy.copy_(values, non_blocking=True)
        copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
        copied.record()
        self._pending = step, list(losses), copy, copied

    def check_pending(self) -> None:
        """Look at the losses that were noted, if there are any."""
        if self._pending is not None:
            step, names, values, copied = self._pending
            self._pending = None
            copied.synchronize()
            self._check(step, names, values)

    def _check(self, step: int, names: list[str], values: Tensor) -> None:
        finite = torch.isfinite(values)
        if self.failure is None and not bool(finite.all()):
            terms = ", ".join(
                f"{name} {value:g}"
                for name, value, good in zip(names, values.tolist(), finite, strict=True)
                if not good
            )
            self.failure = TrainingError(
                f"step {step}: the losses are no longer finite ({terms}); go on from the last checkpoint with a lower "
                "optimizer.learning_rate, or with optimizer.clip"
            )
