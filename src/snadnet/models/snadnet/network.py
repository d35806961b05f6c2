"""SNADNet as a whole: the generator and the frozen networks that condition it (paper, Fig. 3)."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.bisenet import BiSeNet
from snadnet.models.snadnet.generator import Generator, GeneratorConfig, GeneratorOutput
from snadnet.models.wiener import (
    BlindWiener,
    KernelEstimate,
    KernelRefiner,
    WienerOutput,
    deconvolve_by,
    enlarge_kernel,
)


class SNADNetOutput(NamedTuple):
    """SNADNet's outputs for a batch.

    Attributes:
        restored: ``(B, 3, H, W)``, about ``[0, 1]``, not clamped.
        parsing: ``P_t``, class probabilities ``(B, 19, H, W)``; None without a parser.
        textures: Predicted textures of the target, see ``GeneratorOutput``.
        kernel: The refined estimates of the kernels at half resolution; None without a refinement pass.
    """

    restored: Tensor
    parsing: Tensor | None
    textures: tuple[Tensor, ...]
    kernel: KernelEstimate | None

    @property
    def full_size_kernel(self) -> Tensor | None:
        """The kernels in pixels of the image, ``(B, K, K)``, sum 1."""
        return None if self.kernel is None else enlarge_kernel(self.kernel.kernel)


def size_multiple(generator: GeneratorConfig) -> int:
    """Sides that SNADNet works on without padding: the parser's coarsest features are at 1/32."""
    return math.lcm(generator.size_multiple, 32)


class SNADNet(nn.Module):
    """A face parser and a generator that is conditioned on its parsing map.

    A generator without SNAD layers is conditioned on no parsing map, and there is no parser then.

    A generator with ``deconvolved_channels`` is also conditioned on blind Wiener deconvolution. With
    ``refinement_pass`` a second pass follows the first: the restored face is parsed again, the kernel is refined with
    its help, and the generator, with the same weights, restores the blurred face again.

    In stage II (paper, II-F) the parser and the first kernel estimate are frozen: these conditioning networks always
    run in evaluation mode and get no gradient. The kernel's refiner is trained with the generator.

    Args:
        generator: Configuration of the generator.
        parser_width: Factor on the parser's channel counts.

    Raises:
        ValueError: If there is to be a refinement pass without any deconvolution.
    """

    def __init__(self, generator: GeneratorConfig, *, parser_width: float) -> None:
        super().__init__()
        if generator.refinement_pass and not generator.deconvolved_channels:
            raise ValueError("refinement_pass refines the kernel of the deconvolution: it needs deconvolved_channels")
        self.parser = BiSeNet(parser_width) if generator.normalization != "none" else None
        self.wiener = BlindWiener() if generator.deconvolved_channels else None
        self.refiner = KernelRefiner() if generator.refinement_pass else None
        self.generator = Generator(generator)
        self.size_multiple = size_multiple(generator)
        for network in self._conditioning_networks():
            network.requires_grad_(False)
            network.eval()

    def _conditioning_networks(self) -> list[nn.Module]:
        return [network for network in (self.parser, self.wiener) if network is not None]

    def train(self, mode: bool = True) -> "SNADNet":
        """Switch the generator's mode; the frozen conditioning networks stay in evaluation mode."""
        super().train(mode)
        for network in self._conditioning_networks():
            network.eval()
        return self

    def parse(self, blurred: Tensor) -> Tensor | None:
        """Return ``P_t``, class probabilities ``(B, 19, H, W)``, of ``(B, 3, H, W)`` RGB in ``[0, 1]``.

        None without a parser.
        """
        if self.parser is None:
            return None
        with torch.no_grad():
            return self.parser.probabilities(blurred)

    def forward(self, blurred: Tensor, *, first_pass_only: int = 0) -> SNADNetOutput:
        """Restore ``(B, 3, H, W)`` RGB in ``[0, 1]`` whose sides are multiples of ``size_multiple``.

        Args:
            blurred: The faces.
            first_pass_only: How many faces, counted from the start of the batch, get the first pass alone. For
                training, where the same weights must learn both passes. ``kernel`` is that of the other faces.
        """
        parsing = self.parse(blurred)
        if self.wiener is None:
            return self._output(self.generator(blurred, parsing), parsing, None)
        with torch.no_grad():
            wiener: WienerOutput = self.wiener(blurred)
        if self.refiner is None:
            return self._output(self.generator(blurred, parsing, wiener.deconvolved), parsing, None)
        refined_part = slice(first_pass_only, None)
        with torch.no_grad():
            parsing_before = None if parsing is None else parsing[refined_part]
            first: GeneratorOutput = self.generator(
                blurred[refined_part], parsing_before, wiener.deconvolved[refined_part], blurred[refined_part]
            )
        # No gradient passes from the refinement pass to the first: it would double the memory and cost half as much
        # again.
        previous, half_res = first.restored.clamp(0.0, 1.0), F.avg_pool2d(blurred[refined_part], 2)
        estimate = KernelEstimate(*(part[refined_part] for part in wiener.estimate))
        refined: KernelEstimate = self.refiner(estimate, F.avg_pool2d(previous, 2), half_res)
        parsing_again, deconvolved = self.parse(previous), deconvolve_by(half_res, refined)
        if first_pass_only:
            first_part = slice(None, first_pass_only)
            if parsing is not None and parsing_again is not None:
                parsing_again = torch.cat((parsing[first_part], parsing_again))
            deconvolved = torch.cat((wiener.deconvolved[first_part], deconvolved))
            previous = torch.cat((blurred[first_part], previous))
        return self._output(self.generator(blurred, parsing_again, deconvolved, previous), parsing_again, refined)

    @staticmethod
    def _output(output: GeneratorOutput, parsing: Tensor | None, kernel: KernelEstimate | None) -> SNADNetOutput:
        return SNADNetOutput(output.restored, parsing, output.textures, kernel)
