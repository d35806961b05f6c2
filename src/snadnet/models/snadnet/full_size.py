"""SNADNet's full-size pass: the kernel and the deconvolution at the image's own resolution (beyond the paper)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from snadnet.models.snadnet.generator import GeneratorConfig
from snadnet.models.snadnet.network import SNADNet, SNADNetOutput
from snadnet.models.wiener import enlarge_kernel
from snadnet.models.wiener.full_size import FullSizeRefiner, regression_maps
from snadnet.models.wiener.unrolled import UnrolledDeconvolution


class Draft(NamedTuple):
    """What is known of a face before the full-size pass.

    Attributes:
        restored: ``(B, 3, H, W)`` RGB in ``[0, 1]``.
        kernel: ``(B, K, K)``, an estimate of the kernel at full size, sum 1.
        regressed: What the kernel's refiner sees of both, see `snadnet.models.wiener.full_size.regression_maps`.
        parsing: Class probabilities ``(B, 19, H, W)``; None where they were not kept.
    """

    restored: Tensor
    kernel: Tensor
    regressed: Tensor
    parsing: Tensor | None = None


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
    """A finished SNADNet, frozen, and the full-size pass on top of it.

    The kernel is refined at full size by the face that SNADNet restored, and the blurred face is deconvolved by it,
    beginning with that face.

    Args:
        generator: What SNADNet's generator is made of; it must have a refinement pass.
        parser_width: Factor on the parser's channel counts.
    """

    def __init__(self, generator: GeneratorConfig, *, parser_width: float) -> None:
        super().__init__()
        self.first = SNADNet(generator, parser_width=parser_width)
        self.refiner = FullSizeRefiner()
        self.deconvolution = UnrolledDeconvolution()
        self.size_multiple = self.first.size_multiple
        self.first.requires_grad_(False)

    def train(self, mode: bool = True) -> "FullSizeSNADNet":
        """Switch the mode of what is trained; the finished network stays in evaluation mode."""
        super().train(mode)
        self.first.eval()
        return self

    @torch.no_grad()
    def draft(self, blurred: Tensor) -> Draft:
        """What the finished network makes of ``(B, 3, H, W)`` RGB in ``[0, 1]``."""
        output: SNADNetOutput = self.first(blurred)
        assert output.kernel is not None
        return draft_of(blurred, output.restored, output.kernel.kernel)._replace(parsing=output.parsing)

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
        rounds = self.deconvolution(blurred, log_kernel.exp(), draft.restored)
        return FullSizeOutput(rounds, log_kernel, draft.parsing)


def draft_of(blurred: Tensor, restored: Tensor, half_kernel: Tensor) -> Draft:
    """Make a draft of restored faces and the estimates of their kernels at half resolution.

    Args:
        blurred: ``(B, 3, H, W)`` RGB in ``[0, 1]``.
        restored: The same shape; it is clamped.
        half_kernel: ``(B, K, K)``, sum 1, ``K`` odd.
    """
    restored = restored.float().clamp(0.0, 1.0)
    kernel = enlarge_kernel(half_kernel.float())
    return Draft(restored, kernel, regression_maps(kernel, restored, blurred))
