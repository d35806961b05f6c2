"""SNADNet's full-size pass: the kernel and the deconvolution at the image's own resolution (beyond the paper)."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.errors import ModelError
from snadnet.models.snadnet.network import SNADNet, SNADNetOutput
from snadnet.models.wiener import enlarge_kernel
from snadnet.models.wiener.full_size import FULL_KERNEL_SIDE, FullSizeRefiner, regression_maps
from snadnet.models.wiener.quarters import Quarters
from snadnet.models.wiener.turn import TurnEstimator
from snadnet.models.wiener.unrolled import QUICK, THOROUGH, UnrolledDeconvolution

SMALLEST_FACE: Final = 2 * Quarters(FULL_KERNEL_SIDE // 2).overlap
"""The least side that a full-size pass takes, in pixels; over a network at half size twice that."""


class FirstResult(NamedTuple):
    """What a finished network makes of faces.

    Attributes:
        restored: ``(B, 3, H, W)``, about ``[0, 1]``, in the size of the faces.
        kernel: The kernels ``(B, K, K)`` in pixels of the faces, sum 1, ``K`` odd; enlarged where the network finds
            them at half that size.
        parsing: Class probabilities ``(B, 19, H, W)``, in the size that the network was given; None without a parser.
    """

    restored: Tensor
    kernel: Tensor
    parsing: Tensor | None


class Draft(NamedTuple):
    """What is known of a face before the full-size pass.

    Attributes:
        restored: ``(B, 3, H, W)`` RGB in ``[0, 1]``.
        kernel: ``(B, K, K)``, an estimate of the kernel at full size, sum 1.
        regressed: What the kernel's refiner sees of both, see `snadnet.models.wiener.full_size.regression_maps`.
        parsing: Class probabilities ``(B, 19, H, W)``, in the size that the finished network was given; None where they
            were not kept.
    """

    restored: Tensor
    kernel: Tensor
    regressed: Tensor
    parsing: Tensor | None = None


class TurnSight(NamedTuple):
    """What is known before the last round.

    Attributes:
        kernel: The refined kernels ``(B, K, K)``, sum 1.
        images: The faces on their canvas, ``(B, 3, H + K - 1, W + K - 1)``, about ``[0, 1]``.
        maps: What the estimator of the turn sees, see `snadnet.models.wiener.turn.turn_maps`.
    """

    kernel: Tensor
    images: Tensor
    maps: Tensor


class FullSizeOutput(NamedTuple):
    """What the full-size pass makes of a batch.

    Attributes:
        rounds: The faces after each round of the deconvolution, ``(B, 3, H, W)``, about ``[0, 1]``, not clamped.
        log_kernel: Logarithms of the kernels ``(B, K, K)``, of each the sum is 1.
        parsing: That of the draft.
    """

    rounds: tuple[Tensor, ...]
    log_kernel: Tensor
    parsing: Tensor | None

    @property
    def restored(self) -> Tensor:
        """The faces after the last round."""
        return self.rounds[-1]

    @property
    def full_size_kernel(self) -> Tensor:
        """The kernels in pixels of the image, ``(B, K, K)``, sum 1."""
        return self.log_kernel.exp()


class FullSizeSNADNet(nn.Module):
    """A finished network, frozen, and the full-size pass on top of it.

    The kernel is refined at full size by the face that was restored, and the blurred face is deconvolved by it,
    beginning with that face. Over a SNADNet, whose kernel is at half resolution, the pass works at the same size, and
    finds how the camera turned, too. Over a network with such a pass it works once more at the same size, or at twice
    its size, where the relation of the two kernels is that of the first pass again.

    Args:
        first: A SNADNet with a refinement pass, or a network with a full-size pass.
        scale: 1 to give ``first`` the image itself, 2 to give it the image at half size; its data steps, if it has any,
            are then not repeated.
    """

    def __init__(self, first: "SNADNet | FullSizeSNADNet", *, scale: Literal[1, 2] = 1) -> None:
        super().__init__()
        self.first = first
        self.scale = scale
        self.refiner = FullSizeRefiner()
        self.deconvolution = UnrolledDeconvolution(THOROUGH if scale == 1 else QUICK)
        self.turn_estimator = TurnEstimator() if isinstance(first, SNADNet) else None
        self.size_multiple: int = scale * first.size_multiple
        self.first.requires_grad_(False)
        self._first_learns = False
        if scale > 1 and isinstance(first, FullSizeSNADNet):
            # What a repetition finds matters little beneath this pass.
            first.deconvolution.repeat(QUICK.repetitions)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *args: object) -> None:
        # Weights that say nothing of the turn, as those of older releases, leave it alone.
        if not any(key.startswith(f"{prefix}turn_estimator.") for key in state_dict):
            self.turn_estimator = None
        super()._load_from_state_dict(state_dict, prefix, *args)

    def free_first(self) -> None:
        """Let the generator and the kernel's refiner of the SNADNet below learn too; all else of it stays frozen.

        Raises:
            ModelError: If the pass is over another pass, or over a SNADNet without a refinement pass.
        """
        if not isinstance(self.first, SNADNet) or self.first.refiner is None:
            raise ModelError("only a SNADNet with a refinement pass is trained together with the pass over it")
        self.first.generator.requires_grad_(True)
        self.first.refiner.requires_grad_(True)
        self._first_learns = True

    @property
    def kernel_side(self) -> int:
        """Rows and columns of the kernels."""
        side = FULL_KERNEL_SIDE if isinstance(self.first, SNADNet) else self.first.kernel_side
        return self.scale * (side - 1) + 1

    def train(self, mode: bool = True) -> "FullSizeSNADNet":
        """Switch the mode of what is trained; a finished network stays in evaluation mode."""
        super().train(mode)
        self.first.train(mode and self._first_learns)
        return self

    @torch.no_grad()
    def first_result(self, blurred: Tensor) -> FirstResult:
        """What the finished network makes of ``(B, 3, H, W)`` RGB in ``[0, 1]``."""
        given = blurred if self.scale == 1 else F.avg_pool2d(blurred, 2)
        result: SNADNetOutput | FullSizeOutput = self.first(given)
        kernel = result.full_size_kernel
        assert kernel is not None
        if self.scale == 1:
            return FirstResult(result.restored, kernel, result.parsing)
        # The face keeps what it has of its own beyond half size.
        restored = blurred + _enlarged(result.restored.clamp(0.0, 1.0) - given)
        return FirstResult(restored, enlarge_kernel(kernel), result.parsing)

    def draft(self, blurred: Tensor) -> Draft:
        """What is known of ``(B, 3, H, W)`` RGB in ``[0, 1]`` from the finished network."""
        result = self.first_result(blurred)
        return draft_of(blurred, result.restored, result.kernel)._replace(parsing=result.parsing)

    @torch.no_grad()
    def turn_sight(self, blurred: Tensor) -> TurnSight:
        """What is known of ``(B, 3, H, W)`` RGB in ``[0, 1]`` before the last round."""
        draft = self.draft(blurred)
        kernel = self.refiner(draft.kernel, draft.regressed).exp()
        return TurnSight(kernel, *self.deconvolution.before_last(blurred, kernel, draft.restored))

    def forward(
        self, blurred: Tensor, draft: Draft | None = None, *, log_kernel: Tensor | None = None
    ) -> FullSizeOutput:
        """Restore ``(B, 3, H, W)`` RGB in ``[0, 1]`` whose sides are multiples of ``size_multiple``.

        Args:
            blurred: The faces.
            draft: What the finished network made of them, if it is known.
            log_kernel: Logarithms of kernels ``(B, K, K)`` to take in place of refined ones.
        """
        if draft is None:
            draft = self.draft(blurred)
        if log_kernel is None:
            log_kernel = self.refiner(draft.kernel, draft.regressed)
        kernel = log_kernel.exp()
        rounds = self.deconvolution(blurred, kernel, draft.restored, turn_estimator=self.turn_estimator)
        return FullSizeOutput(rounds, log_kernel, draft.parsing)


def _enlarged(images: Tensor) -> Tensor:
    """Images of twice the size."""
    return F.interpolate(images, scale_factor=2.0, mode="bilinear", align_corners=False)


@torch.no_grad()
def draft_of(blurred: Tensor, restored: Tensor, kernel: Tensor) -> Draft:
    """Make a draft of restored faces and the estimates of their kernels.

    Args:
        blurred: ``(B, 3, H, W)`` RGB in ``[0, 1]``.
        restored: The same shape; it is clamped.
        kernel: ``(B, K, K)`` in pixels of the faces, sum 1, ``K`` odd.
    """
    restored, kernel = restored.float().clamp(0.0, 1.0), kernel.float()
    return Draft(restored, kernel, regression_maps(kernel, restored, blurred))
