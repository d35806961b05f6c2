"""UMSN's two checkpoints. Its blocks have made-up names (``b1``, ``b2``, ...): only those of their layers are known."""

import itertools
from collections.abc import Callable

from support.original_checkpoints import Names


class _Blocks:
    """The blocks of one module; each call adds one under the next number."""

    def __init__(self, names: Names, place: str, name: Callable[[int], str] = "b{}".format) -> None:
        self.names, self.place, self.numbers, self.name = names, place, itertools.count(1), name

    def _next(self) -> str:
        return f"{self.place}{self.name(next(self.numbers))}"

    def residual(self, channels: int, out: int) -> None:
        """A ``rs`` or ``rs1``."""
        self._four(self._next(), channels, out)

    def smoothed(self, channels: int, out: int) -> None:
        """A ``dl``."""
        name = self._next()
        self._four(name, channels, out)
        self.names.put(f"{name}.sharewconv.weight", 1, 1, 3, 3)

    def _four(self, name: str, channels: int, out: int) -> None:
        inner = 3 * out
        self.names.conv(f"{name}.conv1", channels, inner, 1, bias=False)
        self.names.conv(f"{name}.conv2", inner, inner, 3, bias=False)
        self.names.conv(f"{name}.conv3", inner, inner, 3, bias=False)
        self.names.conv(f"{name}.conv4", inner, out, 3, bias=False)
        self.names.conv(f"{name}.conv_o", channels, out, 1, bias=False)

    def segmenting(self, channels: int, out: int) -> None:
        """A ``dls``."""
        name, inner = self._next(), 4 * out
        self.names.norm(f"{name}.bn1", channels)
        self.names.conv(f"{name}.conv1", channels, inner, 1, bias=False)
        self.names.norm(f"{name}.bn2", inner)
        self.names.conv(f"{name}.conv2", inner, inner, 3, bias=False)
        self.names.norm(f"{name}.bn3", inner)
        self.names.conv(f"{name}.conv3", inner, out, 3, bias=False)
        self.names.conv(f"{name}.conv_o", channels, out, 1, bias=False)
        self.names.put(f"{name}.sharewconv1.weight", 1, 1, 3, 3)
        self.names.put(f"{name}.sharewconv2.weight", 1, 1, 3, 3)

    def three(self, channels: int, out: int, name: str | None = None) -> None:
        """A ``bott`` or ``cf``."""
        name, inner = name or self._next(), 3 * out
        self.names.conv(f"{name}.conv1", channels, inner, 1, bias=False)
        self.names.conv(f"{name}.conv2", inner, inner, 3, bias=False)
        self.names.conv(f"{name}.conv3", inner, out, 3, bias=False)
        self.names.conv(f"{name}.conv_o", channels, out, 1, bias=False)

    def transition(self, channels: int, out: int) -> None:
        """A ``T1``, ``T3`` or ``Tup``: a transposed convolution."""
        self.names.raised(f"{self._next()}.conv1", channels, out, 1, bias=False)

    def bilinear(self, channels: int, out: int) -> None:
        """A ``Tbil``."""
        name = self._next()
        self.names.conv(f"{name}.conv1", channels, out, 1, bias=False)
        self.names.conv(f"{name}.conv2", out, out, 3, bias=False)


def _unread(names: Names, place: str) -> None:
    for digit in range(1, 5):
        names.conv(f"{place}conv10{digit}0", 20, 1, 1)


def _stream(names: Names, place: str) -> None:
    blocks = _Blocks(names, place)
    blocks.residual(4, 28)
    blocks.transition(32, 16)
    for _ in range(2):
        blocks.smoothed(16, 16)
        blocks.transition(32, 16)
    blocks.smoothed(32, 16)
    blocks.transition(48, 16)
    blocks.residual(16, 16)
    blocks.bilinear(32, 16)
    names.conv(f"{place}conv_refin_in", 4, 16, 3)
    names.conv(f"{place}conv_refin", 16, 16, 3)
    names.conv(f"{place}refine3", 16, 3, 3)
    names.conv(f"{place}refineclean1", 3, 8, 7)
    names.conv(f"{place}refineclean2", 8, 3, 3)
    _unread(names, place)


def _confidence(names: Names, place: str) -> None:
    blocks = _Blocks(names, place, "t{}".format)
    names.conv(f"{place}conv1", 6, 16, 3)
    blocks.transition(16, 16)
    blocks.three(16, 32, f"{place}conv2")
    blocks.transition(32, 16)
    blocks.three(16, 32, f"{place}conv3")
    blocks.transition(32, 16)
    blocks.three(16, 32, f"{place}conv4")
    blocks.transition(32, 16)
    names.conv(f"{place}conv5", 16, 3, 1)


_SIDES = ("conv11", "conv21", "conv31", "conv3_11", "conv3_21", "conv41", "conv51")


def deblurring(name: Callable[[int], str] = "b{}".format) -> Names:
    """The deblurring network; ``name`` gives its own blocks' names by their numbers."""
    names = Names()
    for face_class in range(1, 5):
        _stream(names, f"deblur_class{face_class}.")
    blocks = _Blocks(names, "", name)
    blocks.three(64, 32)
    blocks.residual(7, 57)
    blocks.transition(64, 32)
    blocks.residual(67, 64)
    blocks.transition(131, 64)
    for _ in range(4):
        blocks.smoothed(64, 64)
        blocks.transition(128, 64)
    blocks.residual(128, 64)
    blocks.bilinear(195, 64)
    blocks.residual(71, 64)
    blocks.transition(135, 16)
    for side in _SIDES:
        names.conv(side, 64, 1, 3)
    names.conv("conv_refin_in", 7, 16, 3)
    names.conv("conv_refin", 23, 16, 3)
    names.conv("conv_refin_in64", 3, 16, 3)
    names.conv("conv_refin64", 192, 16, 3)
    names.conv("refine3", 16, 3, 3)
    names.conv("refineclean1", 3, 8, 7)
    names.conv("refineclean2", 8, 3, 3)
    _unread(names, "")
    _confidence(names, "conf_ker.")
    return names


def segmentation() -> Names:
    names = Names(5000)
    blocks = _Blocks(names, "")
    blocks.residual(3, 61)
    blocks.transition(64, 64)
    blocks.segmenting(67, 64)
    blocks.transition(131, 64)
    for _ in range(3):
        blocks.segmenting(64, 64)
        blocks.transition(128, 64)
    blocks.segmenting(128, 64)
    blocks.transition(192, 64)
    blocks.segmenting(128, 64)
    blocks.transition(196, 64)
    blocks.residual(64, 64)
    blocks.transition(128, 16)
    for side in _SIDES:
        names.conv(side, 64, 1, 3)
    names.conv("conv_refin", 23, 16, 3)
    names.conv("conv_refin64", 192, 16, 3)
    names.conv("refine3", 16, 4, 3)
    names.conv("refine3_i", 16, 4, 3)
    # What the authors build and never call; the deblurring network uses the first two.
    names.conv("refineclean1", 4, 8, 7)
    names.conv("refineclean2", 8, 4, 3)
    names.norm("batchnorm20", 20)
    names.norm("batchnorm1", 1)
    return names
