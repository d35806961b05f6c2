"""A U-Net of plain residual units, which processors compute fast: 3 x 3 convolutions and nothing between them."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.layers.blocks import ResidualUnit
from snadnet.models.layers.graph_forms import convolve_unshuffled, in_blocks

_UNSHUFFLE = 2


class ResidualUNet(nn.Module):
    """Map images to images of the same size; it works at half of it and below, and starts at zero.

    Args:
        channels: Of the input.
        out: Channels of the output.
        widths: Channels of its levels, from half size down.
        units: Residual units of each level, on each side; the last level has one side only.
        units_down: Those of the levels but the last on the way down, where they are not as many as on the way up.
    """

    def __init__(
        self,
        channels: int,
        out: int,
        *,
        widths: Sequence[int],
        units: Sequence[int],
        units_down: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.size_multiple = _UNSHUFFLE * 2 ** (len(widths) - 1)
        self.head = nn.Conv2d(channels * _UNSHUFFLE**2, widths[0], 3, padding=1)
        upper, between = widths[:-1], list(pairwise(widths))
        down = units[:-1] if units_down is None else units_down
        self.encode = nn.ModuleList(_units(*level) for level in zip(upper, down, strict=True))
        self.down = nn.ModuleList(nn.Conv2d(finer, coarser, 2, stride=2) for finer, coarser in between)
        self.middle = _units(widths[-1], units[-1])
        self.up = nn.ModuleList(nn.ConvTranspose2d(coarser, finer, 2, stride=2) for finer, coarser in between)
        self.decode = nn.ModuleList(_units(*level) for level in zip(upper, units[:-1], strict=True))
        self.tail = nn.Conv2d(widths[0], out * _UNSHUFFLE**2, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """Map ``(B, C, H, W)``, sides multiples of ``size_multiple``, to ``(B, out, H, W)`` float32."""
        features = convolve_unshuffled(images, _UNSHUFFLE, self.head)
        kept = []
        for encode, down in zip(self.encode, self.down, strict=True):
            features = encode(features)
            kept.append(features)
            features = down(features)
        features = self.middle(features)
        for level in reversed(range(len(kept))):
            features = self.decode[level](in_blocks(self.up[level](features)) + kept[level])
        return F.pixel_shuffle(self.tail(features), _UNSHUFFLE).float()

    def begin_as(self, other: "ResidualUNet") -> None:
        """Take the weights of another one of the same widths that may have more levels, units and inputs.

        Of units and inputs the first are taken; the units on both sides of a level that is the last here follow each
        other.
        """
        state = other.state_dict()
        state["head.weight"] = state["head.weight"][:, : self.head.in_channels]
        last = len(self.down)
        if last < len(other.down):
            both = nn.Sequential(*other.encode[last], *other.decode[last])  # type: ignore[misc]
            state |= {f"middle.{name}": tensor for name, tensor in both.state_dict().items()}
        self.load_state_dict({name: state[name] for name in self.state_dict()})


def _units(channels: int, count: int) -> nn.Sequential:
    units = [ResidualUnit(channels) for _ in range(count)]
    for unit in units:
        # Each begins as the identity, so that nothing grows from unit to unit.
        nn.init.zeros_(unit.second.weight)
        nn.init.zeros_(unit.second.bias)  # type: ignore[arg-type]
    return nn.Sequential(*units)
