"""SNADNet's full-size pass: the kernel and the deconvolution at the image's own resolution (beyond the paper)."""

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.snadnet.generator import Generator, GeneratorConfig, GeneratorOutput
from snadnet.models.snadnet.network import SNADNet, SNADNetOutput
from snadnet.models.wiener import KernelEstimate, deconvolve_by, enlarge_kernel, halve_kernel
from snadnet.models.wiener.data_step import STRENGTHS, DataStep
from snadnet.models.wiener.full_size import FullSizeRefiner

_LEAST = 1e-9


class Draft(NamedTuple):
    """What is known of a face before a full-size pass.

    Attributes:
        restored: ``(B, 3, H, W)`` RGB in ``[0, 1]``.
        kernel: ``(B, K, K)``, an estimate of the kernel at full size, sum 1.
        regularization: ``(B,)``, what suits the deconvolution at half resolution.
    """

    restored: Tensor
    kernel: Tensor
    regularization: Tensor


class FullSizeOutput(NamedTuple):
    """What a full-size pass makes of a batch.

    Attributes:
        restored: ``(B, 3, H, W)``, about ``[0, 1]``, not clamped.
        parsing: Class probabilities ``(B, 19, H, W)``.
        textures: Predicted textures of the target, see `GeneratorOutput`.
        kernel: The refined estimates of the kernels, at full size.
        stepped: What the cautious data step alone makes of the draft, the shape of ``restored``.
    """

    restored: Tensor
    parsing: Tensor
    textures: tuple[Tensor, ...]
    kernel: KernelEstimate
    stepped: Tensor

    @property
    def full_size_kernel(self) -> Tensor:
        """The kernels in pixels of the image, ``(B, K, K)``, sum 1."""
        return self.kernel.kernel


class FullSizeGenerator(Generator):
    """A generator that adds to a draft; it sees the data steps from there, and says at each pixel how far to go.

    Untrained, it returns the draft.

    Args:
        config: Of a generator with a refinement pass; the steps are added to what it sees.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        steps = 3 * len(STRENGTHS) * config.unshuffle**2
        super().__init__(replace(config, deconvolved_channels=config.deconvolved_channels + steps))
        residual = 3 * config.unshuffle**2
        self.head = nn.Conv2d(config.widths[0], residual + len(STRENGTHS) * config.unshuffle**2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def refine(
        self, blurred: Tensor, parsing: Tensor, deconvolved: Tensor, draft: Tensor, steps: Tensor
    ) -> GeneratorOutput:
        """Restore a batch again.

        Args:
            blurred: ``(B, 3, H, W)`` RGB in ``[0, 1]``.
            parsing: Class probabilities ``(B, 19, H, W)``.
            deconvolved: Images deconvolved at half resolution, see `Generator`.
            draft: What was restored before, the shape of ``blurred``.
            steps: What each data step would add to it, ``(B, 3 * len(STRENGTHS), H, W)``.
        """
        folded = F.pixel_unshuffle(steps, self.config.unshuffle)
        seen = torch.cat((deconvolved, folded), dim=1)
        features, textures = self.decode(blurred, parsing, seen, draft)
        maps = F.pixel_shuffle(self.head(features), self.config.unshuffle).float()
        restored = draft + maps[:, :3]
        for number, step in enumerate(steps.chunk(len(STRENGTHS), dim=1)):
            restored = restored + maps[:, 3 + number : 4 + number] * step
        return GeneratorOutput(restored, textures)


class FullSizeSNADNet(nn.Module):
    """A finished SNADNet, frozen, and one more full-size pass.

    The restored face is parsed again; the kernel is refined by it at full size; steps are taken from it towards what
    explains the blurred face; and a generator of its own weights restores again.

    Args:
        generator: What both generators are made of; it must have a refinement pass.
        parser_width: Factor on the parser's channel counts.
        rounds: How many full-size passes there are; each round refines the kernel by the face of the one before.
    """

    def __init__(self, generator: GeneratorConfig, *, parser_width: float, rounds: int = 1) -> None:
        super().__init__()
        self.rounds = rounds
        self.first = SNADNet(generator, parser_width=parser_width)
        self.refiner = FullSizeRefiner()
        self.step = DataStep()
        self.generator = FullSizeGenerator(generator)
        self.size_multiple = self.first.size_multiple
        self.first.requires_grad_(False)

    def train(self, mode: bool = True) -> "FullSizeSNADNet":
        """Switch the mode of what is trained; the finished network stays in evaluation mode."""
        super().train(mode)
        self.first.eval()
        return self

    def adopt_first(self) -> None:
        """Let the full-size pass begin with the weights of the finished network's generator."""
        own = self.generator.state_dict()
        for name, weight in self.first.generator.state_dict().items():
            if name.startswith("head."):
                continue
            if own[name].shape != weight.shape:
                # The steps come last of what the first convolution sees.
                widened = torch.zeros_like(own[name])
                widened[:, : weight.shape[1]] = weight
                own[name] = widened
            else:
                own[name] = weight
        self.generator.load_state_dict(own)

    @torch.no_grad()
    def draft(self, blurred: Tensor) -> Draft:
        """What the finished network makes of ``(B, 3, H, W)`` RGB in ``[0, 1]``."""
        output: SNADNetOutput = self.first(blurred)
        assert output.kernel is not None
        return draft_of(output.restored, output.kernel)

    def forward(
        self,
        blurred: Tensor,
        draft: Draft | None = None,
        *,
        log_kernel: Tensor | None = None,
        taught: int | None = None,
        rounds: int | None = None,
    ) -> FullSizeOutput:
        """Restore ``(B, 3, H, W)`` RGB in ``[0, 1]`` whose sides are multiples of ``size_multiple``.

        Args:
            blurred: The faces.
            draft: What the finished network made of them, if it is known.
            log_kernel: Logarithms of kernels ``(B, K, K)`` to take in place of refined ones.
            taught: How many faces, the first of the batch, teach the refiner, for training; all if left out. It costs
                as much to teach as the generator, and is taught before.
            rounds: How many, if not as many as there are to be; only the last one gets a gradient.
        """
        if draft is None:
            draft = self.draft(blurred)
        with torch.no_grad():
            for _ in range((self.rounds if rounds is None else rounds) - 1):
                before = self.restore(blurred, draft, self._refine(blurred, draft))
                draft = draft._replace(restored=before.restored.clamp(0.0, 1.0), kernel=before.kernel.kernel)
        if log_kernel is None:
            log_kernel = self._refine(blurred, draft, taught)
        return self.restore(blurred, draft, log_kernel)

    def _refine(self, blurred: Tensor, draft: Draft, taught: int | None = None) -> Tensor:
        seen = (draft.kernel, draft.restored, blurred)
        # The batch's length is asked for only in training: a graph would be bound to it.
        if taught is None or taught >= len(blurred):
            refined: Tensor = self.refiner(*seen)
            return refined
        with torch.no_grad():
            others = self.refiner(*(part[taught:] for part in seen))
        return torch.cat((self.refiner(*(part[:taught] for part in seen)), others)) if taught else others

    def restore(self, blurred: Tensor, draft: Draft, log_kernel: Tensor) -> FullSizeOutput:
        """Take the data steps by kernels ``(B, K, K)``, given as logarithms, and restore."""
        kernel = log_kernel.exp()
        parsing = self.first.parse(draft.restored)
        half = halve_kernel(kernel)
        estimate = KernelEstimate(half.clamp_min(_LEAST).log(), draft.regularization)
        deconvolved = deconvolve_by(F.avg_pool2d(blurred, 2), estimate)
        steps: Tensor = self.step(draft.restored, blurred, kernel)
        output = self.generator.refine(blurred, parsing, deconvolved, draft.restored, steps)
        estimate = KernelEstimate(log_kernel, draft.regularization)
        return FullSizeOutput(output.restored, parsing, output.textures, estimate, draft.restored + steps[:, :3])


def draft_of(restored: Tensor, estimate: KernelEstimate) -> Draft:
    """Make a draft of a restored face and the estimate of its kernel at half resolution."""
    return Draft(restored.float().clamp(0.0, 1.0), enlarge_kernel(estimate.kernel.float()), estimate.regularization)
