"""SNADNet whole: the parser and the generator that it guides (paper, Fig. 3)."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snadnet.models.bisenet import BiSeNet
from snadnet.models.snadnet.generator import Generator, GeneratorConfig, GeneratorOutput


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

    In stage II the parser is frozen (SPEC 1): it always runs in evaluation mode and gets no gradient.

    Args:
        generator: what the generator is made of.
        parser_width: factor on the parser's channel counts.
    """

    def __init__(self, generator: GeneratorConfig, *, parser_width: float) -> None:
        super().__init__()
        self.parser = BiSeNet(parser_width)
        self.generator = Generator(generator)
        self.size_multiple = size_multiple(generator)
        self.parser.requires_grad_(False)
        self.parser.eval()

    def train(self, mode: bool = True) -> "SNADNet":
        """Switch the generator's mode; the frozen parser stays in evaluation mode."""
        super().train(mode)
        self.parser.eval()
        return self

    def parse(self, blurred: Tensor) -> Tensor:
        """Return ``P_t``, class probabilities ``(B, 19, H, W)``, of ``(B, 3, H, W)`` RGB in ``[0, 1]``."""
        with torch.no_grad():
            logits = self.parser(blurred)
        return torch.softmax(logits.float(), dim=1)

    def forward(self, blurred: Tensor) -> SNADNetOutput:
        """Restore ``(B, 3, H, W)`` RGB in ``[0, 1]`` whose sides are multiples of ``size_multiple``."""
        parsing = self.parse(blurred)
        output: GeneratorOutput = self.generator(blurred, parsing)
        return SNADNetOutput(output.restored, parsing, output.textures)
