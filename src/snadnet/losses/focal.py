"""The focal loss that fine-tunes the face parser (paper, Eq. 2)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.errors import ConfigError
from snadnet.losses.precision import at_least_float32


class FocalLoss(nn.Module):
    """Cross entropy in which pixels that are right already count little: ``-alpha (1 - p)^gamma log(p)``.

    The mean is over the pixels that are not ignored; the class weights scale the sum but not the divisor
    (unlike the ``weight`` of ``torch.nn.functional.cross_entropy``), as Eq. 2 has it.
    """

    alpha: Tensor | None

    def __init__(self, gamma: float = 2.0, *, alpha: Tensor | None = None, ignore_index: int | None = 255) -> None:
        """Set the loss up.

        Args:
            gamma: Focusing parameter, at least 0; 0 is plain cross entropy.
            alpha: One weight for each class (classes,), finite and at least 0; None weighs all by 1.
            ignore_index: Label of the pixels to leave out; None leaves out none.

        Raises:
            ConfigError: If ``gamma`` or ``alpha`` is out of range.
        """
        super().__init__()
        if not (math.isfinite(gamma) and gamma >= 0):
            raise ConfigError(f"gamma of the focal loss must be a finite number of at least 0, got {gamma}")
        if alpha is not None and (alpha.ndim != 1 or not bool((alpha.isfinite() & (alpha >= 0)).all())):
            raise ConfigError("alpha of the focal loss must be one finite weight of at least 0 for each class")
        self.gamma = gamma
        self.ignore_index = ignore_index
        self.register_buffer("alpha", alpha, persistent=False)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Compute the loss.

        Args:
            logits: Class scores before softmax (B, classes, H, W).
            labels: True class ids (B, H, W), int64.

        Returns:
            A scalar, at least float32; 0 (with zero gradient) if every pixel is ignored.

        Raises:
            ValueError: If the shapes do not fit together, or ``alpha`` is for another number of classes.
        """
        if logits.ndim != 4 or labels.shape != (logits.shape[0], *logits.shape[2:]):  # noqa: PLR2004
            raise ValueError(f"logits {tuple(logits.shape)} and labels {tuple(labels.shape)} do not fit together")
        if self.alpha is not None and len(self.alpha) != logits.shape[1]:
            raise ValueError(f"alpha has {len(self.alpha)} weights for {logits.shape[1]} classes")
        valid = torch.ones_like(labels, dtype=torch.bool)
        if self.ignore_index is not None:
            valid = labels != self.ignore_index
        classes = labels.masked_fill(~valid, 0)
        log_p = F.log_softmax(at_least_float32(logits), dim=1).gather(1, classes.unsqueeze(1)).squeeze(1)
        # 1 - p, kept above 0 so that a gamma below 1 has no infinite slope there.
        miss = (-torch.expm1(log_p)).clamp_min(torch.finfo(log_p.dtype).tiny)
        loss = -(miss**self.gamma) * log_p
        if self.alpha is not None:
            loss = loss * self.alpha.to(loss.dtype)[classes]
        return loss.masked_fill(~valid, 0).sum() / valid.sum().clamp_min(1)
