"""SNADNet whole: the generator, and the frozen networks that guide it (paper, Fig. 3)."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snadnet.models.bisenet import BiSeNet
from snadnet.models.snadnet.generator import Generator, GeneratorConfig, GeneratorOutput
from snadnet.models.wiener import BlindWiener


class SNADNetOutput(NamedTuple):
    """What SNADNet makes of a batch.

    Attributes:
        restored: ``(B, 3, H, W)``, about ``[0, 1]``, not clamped.
        parsing: ``P_t``, class probabilities ``(B, 19, H, W)``.
        textures: predicted textures of the target, see :class:`GeneratorOutput`.
    """

    restored: Tensor
    parsing: Tensor
    textures: tuple[Tensor, ...]


def size_multiple(generator: GeneratorConfig) -> int:
    """Sides that SNADNet works on without padding: the parser's coarsest features are at 1/32."""
    return math.lcm(generator.size_multiple, 32)


class SNADNet(nn.Module):
    """A parser that reads the blurred face, and a generator that restores it by what was read.

    A generator with ``deconvolved_channels`` is guided by blind Wiener deconvolution too. In stage II the generator's
    guides are frozen (SPEC 1): they always run in evaluation mode and get no gradient.

    Args:
        generator: what the generator is made of.
        parser_width: factor on the parser's channel counts.
    """

    def __init__(self, generator: GeneratorConfig, *, parser_width: float) -> None:
        super().__init__()
        self.parser = BiSeNet(parser_width)
        self.wiener = BlindWiener() if generator.deconvolved_channels else None
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

    def guide(self, blurred: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return what the generator takes beside ``(B, 3, H, W)`` RGB in ``[0, 1]``: parsing, deconvolved pictures."""
        parsing = self.parse(blurred)
        if self.wiener is None:
            return parsing, None
        with torch.no_grad():
            return parsing, self.wiener(blurred).deconvolved

    def forward(self, blurred: Tensor) -> SNADNetOutput:
        """Restore ``(B, 3, H, W)`` RGB in ``[0, 1]`` whose sides are multiples of ``size_multiple``."""
        parsing, deconvolved = self.guide(blurred)
        output: GeneratorOutput = self.generator(blurred, parsing, deconvolved)
        return SNADNetOutput(output.restored, parsing, output.textures)
