"""SNADNet whole: the generator, and the frozen networks that guide it (paper, Fig. 3)."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.bisenet import BiSeNet
from snadnet.models.snadnet.generator import Generator, GeneratorConfig, GeneratorOutput
from snadnet.models.wiener import BlindWiener, KernelEstimate, KernelRefiner, WienerOutput, deconvolve_by


class SNADNetOutput(NamedTuple):
    """What SNADNet makes of a batch.

    Attributes:
        restored: ``(B, 3, H, W)``, about ``[0, 1]``, not clamped.
        parsing: ``P_t``, class probabilities ``(B, 19, H, W)``.
        textures: predicted textures of the target, see :class:`GeneratorOutput`.
        kernel: the refined estimates of the kernels at half resolution; None if there is no second look.
    """

    restored: Tensor
    parsing: Tensor
    textures: tuple[Tensor, ...]
    kernel: KernelEstimate | None


def size_multiple(generator: GeneratorConfig) -> int:
    """Sides that SNADNet works on without padding: the parser's coarsest features are at 1/32."""
    return math.lcm(generator.size_multiple, 32)


class SNADNet(nn.Module):
    """A parser that reads the blurred face, and a generator that restores it by what was read.

    A generator with ``deconvolved_channels`` is guided by blind Wiener deconvolution too. With ``second_look`` all of
    it is then done once more, with the restored face at hand: it is parsed anew, the kernel is refined by it, and the
    generator, by the same weights, restores again.

    In stage II the parser and the first estimate of the kernel are frozen (SPEC 1): they always run in evaluation mode
    and get no gradient. The refiner of the kernel learns with the generator.

    Args:
        generator: what the generator is made of.
        parser_width: factor on the parser's channel counts.

    Raises:
        ValueError: if there is to be a second look without any deconvolution.
    """

    def __init__(self, generator: GeneratorConfig, *, parser_width: float) -> None:
        super().__init__()
        if generator.second_look and not generator.deconvolved_channels:
            raise ValueError("a second look is one at the kernel: it needs deconvolved_channels")
        self.parser = BiSeNet(parser_width)
        self.wiener = BlindWiener() if generator.deconvolved_channels else None
        self.refiner = KernelRefiner() if generator.second_look else None
        self.generator = Generator(generator)
        self.size_multiple = size_multiple(generator)
        for guide in self._guides():
            guide.requires_grad_(False)
            guide.eval()

    def _guides(self) -> tuple[nn.Module, ...]:
        return (self.parser,) if self.wiener is None else (self.parser, self.wiener)

    def train(self, mode: bool = True) -> "SNADNet":
        """Switch the generator's mode; the frozen guides stay in evaluation mode."""
        super().train(mode)
        for guide in self._guides():
            guide.eval()
        return self

    def parse(self, blurred: Tensor) -> Tensor:
        """Return ``P_t``, class probabilities ``(B, 19, H, W)``, of ``(B, 3, H, W)`` RGB in ``[0, 1]``."""
        with torch.no_grad():
            logits = self.parser(blurred)
        return torch.softmax(logits.float(), dim=1)

    def forward(self, blurred: Tensor, *, first_looks: int = 0) -> SNADNetOutput:
        """Restore ``(B, 3, H, W)`` RGB in ``[0, 1]`` whose sides are multiples of ``size_multiple``.

        Args:
            blurred: the faces.
            first_looks: of how many faces, the first of the batch, the first look is the result, for training: the same
                weights must learn to look for the first time too. ``kernel`` is that of the others.
        """
        parsing = self.parse(blurred)
        if self.wiener is None:
            return self._output(self.generator(blurred, parsing), parsing, None)
        with torch.no_grad():
            guided: WienerOutput = self.wiener(blurred)
        if self.refiner is None:
            return self._output(self.generator(blurred, parsing, guided.deconvolved), parsing, None)
        again = slice(first_looks, None)
        with torch.no_grad():
            first: GeneratorOutput = self.generator(
                blurred[again], parsing[again], guided.deconvolved[again], blurred[again]
            )
        # No gradient passes from the second look to the first: it would double the memory and cost half as much again.
        seen, half = first.restored.clamp(0.0, 1.0), F.avg_pool2d(blurred[again], 2)
        estimate = KernelEstimate(*(part[again] for part in guided.estimate))
        refined: KernelEstimate = self.refiner(estimate, F.avg_pool2d(seen, 2), half)
        read, deconvolved = self.parse(seen), deconvolve_by(half, refined)
        if first_looks:
            before = slice(None, first_looks)
            read = torch.cat((parsing[before], read))
            deconvolved = torch.cat((guided.deconvolved[before], deconvolved))
            seen = torch.cat((blurred[before], seen))
        return self._output(self.generator(blurred, read, deconvolved, seen), read, refined)

    @staticmethod
    def _output(output: GeneratorOutput, parsing: Tensor, kernel: KernelEstimate | None) -> SNADNetOutput:
        return SNADNetOutput(output.restored, parsing, output.textures, kernel)
