"""The discrete Fourier transform of real images, as products with matrices.

An exported graph holds matrix products only: it needs neither complex numbers nor an operator that a runtime may lack.
PyTorch itself takes its fast transform, which gives the same numbers. All of it is float32.
"""

import math
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

_RADICES: Final = (16, 8)
"""Rows are transformed in two steps where their number is a multiple of one of these, as it is in a graph."""

_MOST_FOLDS: Final = 2
"""How often columns are folded where their number is a multiple of 8, as it is in a graph."""


class Spectrum(NamedTuple):
    """A spectrum of real images; of the columns ``W // 2 + 1`` only, as the others mirror them.

    Which frequency each column is of, `column_frequencies` says.

    Attributes:
        real: ``(..., H, W // 2 + 1)``.
        imaginary: The same shape.
    """

    real: Tensor
    imaginary: Tensor

    def power(self) -> Tensor:
        """Return the squared magnitudes, ``(..., H, W // 2 + 1)``."""
        return self.real.square() + self.imaginary.square()

    def scaled(self, factor: Tensor) -> "Spectrum":
        """Multiply by a real factor."""
        return Spectrum(self.real * factor, self.imaginary * factor)

    def plus(self, other: "Spectrum") -> "Spectrum":
        """Add another spectrum."""
        return Spectrum(self.real + other.real, self.imaginary + other.imaginary)

    def times(self, other: "Spectrum") -> "Spectrum":
        """Multiply by another spectrum."""
        return Spectrum(
            self.real * other.real - self.imaginary * other.imaginary,
            self.imaginary * other.real + self.real * other.imaginary,
        )

    def times_conjugate(self, other: "Spectrum") -> "Spectrum":
        """Multiply by the complex conjugate of another spectrum."""
        return Spectrum(
            self.real * other.real + self.imaginary * other.imaginary,
            self.imaginary * other.real - self.real * other.imaginary,
        )


def full_precision(tensor: Tensor) -> AbstractContextManager[object]:
    """Keep autocast, if it is on, from rounding products of ``tensor`` to half precision."""
    kind = tensor.device.type
    rounding = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    return torch.autocast(kind, enabled=False) if rounding else nullcontext()


def waves(positions: Tensor, frequencies: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Return cosine and sine of ``2 pi p f / length`` for integer positions (rows) and frequencies (columns)."""
    # The product is reduced as an integer: a large angle would lose digits.
    period = extent(length, positions.device)
    angles = torch.remainder(positions.unsqueeze(1) * frequencies.unsqueeze(0), period) * 2.0 * math.pi / period
    return torch.cos(angles), torch.sin(angles)


def extent(length: int, device: torch.device) -> Tensor:
    """Return a length as an integer tensor: the exporter of graphs takes no products with a free size."""
    return torch.full((1,), length, device=device, dtype=torch.int64)


def column_frequencies(width: int, device: torch.device) -> Tensor:
    """The frequencies of a spectrum's columns, 0 to ``width // 2``.

    In a graph those that are multiples of 4 come first, then the other even ones, then the odd ones.
    """
    folds = 0 if _fast(device) else _folds(width)
    parts = [2**folds * torch.arange(width // 2 ** (folds + 1) + 1, device=device)]
    for fold in range(folds, 0, -1):
        parts.append(2 ** (fold - 1) * (2 * torch.arange(width // 2 ** (fold + 1), device=device) + 1))
    return torch.cat(parts)


def _folds(width: int) -> int:
    """How often columns are folded: so often that half of what is left is a whole number of pairs."""
    return next((folds for folds in range(_MOST_FOLDS, 0, -1) if width % 2 ** (folds + 1) == 0), 0)


def half_weights(width: int, device: torch.device) -> Tensor:
    """How often each of the ``width // 2 + 1`` columns counts in the whole spectrum: twice, but for the unmirrored."""
    columns = column_frequencies(width, device)
    return torch.where((columns == 0) | (2 * columns == extent(width, device)), 1.0, 2.0)


def _fast(device: torch.device) -> bool:
    """Whether there is to be a fast transform: not in a graph, nor where a graph's cost is counted."""
    return device.type != "meta" and not torch.compiler.is_compiling()


def _of_complex(spectrum: Tensor) -> Spectrum:
    return Spectrum(spectrum.real, spectrum.imag)


class Fourier:
    """The transform of images of one size. Its matrices, where they are needed, are computed once.

    They are no buffers of a network: in an exported graph the size is free, and each matrix costs it ten operations.

    Args:
        height: Rows of the images.
        width: Their columns.
        device: Of the images.
    """

    def __init__(self, height: int, width: int, device: torch.device) -> None:
        self.height = height
        self.width = width
        self.device = device
        self._radix = next((radix for radix in _RADICES if height % radix == 0), None)

    @cached_property
    def _rows(self) -> tuple[Tensor, Tensor]:
        return self._waves_of_rows(torch.arange(self.height, device=self.device))

    @cached_property
    def _columns(self) -> tuple[Tensor, Tensor]:
        return self._waves_of_columns(torch.arange(self.width, device=self.device))

    @cached_property
    def _split_waves(self) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Cosines and sines of the two steps of `_along_rows`: ``(H / R, H / R)``, and ``(H / R, R, R)``."""
        assert self._radix is not None
        count = self.height // self._radix
        coarse = torch.arange(count, device=self.device)
        fine = torch.arange(self._radix, device=self.device)
        frequencies = coarse.unsqueeze(1) + extent(count, self.device) * fine
        cos, sin = waves(frequencies.flatten(), fine, self.height)
        shape = (count, self._radix, self._radix)
        return waves(coarse, coarse, count), (cos.reshape(shape), sin.reshape(shape))

    @cached_property
    def _forward(self) -> tuple[Tensor, Tensor]:
        return self._steps(back=False)

    @cached_property
    def _backward(self) -> tuple[Tensor, Tensor]:
        return self._steps(back=True)

    def _steps(self, *, back: bool) -> tuple[Tensor, Tensor]:
        """The matrices of the two steps of `_along_rows`, ``(2 H / R, 2 H / R)`` and ``(H / R, 2 R, 2 R)``.

        Of what the first gives, real and imaginary parts take turns.
        """
        coarse, between = self._split_waves
        return (
            torch.stack(_halves(*coarse, back=back), dim=1).flatten(0, 1),
            torch.cat(_halves(*between, back=back), dim=1),
        )

    @cached_property
    def _shares(self) -> Tensor:
        return half_weights(self.width, self.device) / extent(self.height * self.width, self.device)

    def _waves_of_rows(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        return waves(torch.arange(self.height, device=self.device), rows, self.height)

    def _waves_of_columns(self, columns: Tensor) -> tuple[Tensor, Tensor]:
        return waves(columns, column_frequencies(self.width, self.device), self.width)

    def transform(self, images: Tensor) -> Spectrum:
        """Transform real ``(..., H, W)`` images."""
        if _fast(self.device):
            return _of_complex(torch.fft.rfft2(images))
        lead = images.shape[:-2]
        turned = self._along_rows(self._along_columns(images), lead, back=False).movedim(-4, -2)
        return Spectrum(*turned.reshape(*lead, 2 * self.height, -1).tensor_split(2, dim=-2))

    def transform_centred(self, images: Tensor) -> Spectrum:
        """Transform ``(..., h, w)`` images whose middle is the origin, in an empty image of this size.

        Args:
            images: Real, of odd sides; what lies before the origin is wrapped around, and what is too large as well.
        """
        height, width = images.shape[-2:]
        if _fast(self.device) and height <= self.height and width <= self.width:
            missing = (0, self.width - width, 0, self.height - height)
            whole = F.pad(images, missing).roll((-(height // 2), -(width // 2)), dims=(-2, -1))
            return _of_complex(torch.fft.rfft2(whole))
        cos_h, sin_h = self._waves_of_rows(torch.arange(height, device=self.device) - height // 2)
        cos_w, sin_w = self._waves_of_columns(torch.arange(width, device=self.device) - width // 2)
        stacked = torch.cat((images @ cos_w, images @ -sin_w), dim=-2)
        return Spectrum(*(half @ stacked for half in _halves(cos_h, sin_h, back=False)))

    def _along_columns(self, images: Tensor) -> Tensor:
        """Transform real ``(..., H, W)`` along their columns, to real and imaginary parts ``(..., 2, H, W // 2 + 1)``.

        The two halves of a row are added for the even frequencies and subtracted for the odd ones (Cooley and Tukey
        1965), which leaves half of the products; and so are the halves of what was added.
        """
        cos, sin = self._columns
        both, rest = torch.stack((cos, -sin)), images.unsqueeze(-3)
        folded = []
        for _ in range(_folds(self.width)):
            half = rest.shape[-1] // 2
            left, right = rest[..., :half], rest[..., half:]
            folded.append(left - right)
            rest = left + right
        parts = zip((rest, *reversed(folded)), self._groups, strict=True)
        return torch.cat([part @ both[:, : part.shape[-1], group] for part, group in parts], dim=-1)

    @property
    def _groups(self) -> list[slice]:
        """The columns of a spectrum that are computed together: those of no fold, then of the last to the first."""
        folds = _folds(self.width)
        ends = [self.width // 2 ** (fold + 1) + 1 for fold in range(folds, -1, -1)]
        return [slice(start, end) for start, end in zip((0, *ends), ends, strict=False)]

    def inverse(self, spectrum: Spectrum) -> Tensor:
        """Return the real images ``(..., H, W)`` of a spectrum."""
        if _fast(self.device):
            images: Tensor = torch.fft.irfft2(torch.complex(*spectrum), s=(self.height, self.width))
            return images
        lead = spectrum.real.shape[:-2]
        turned = self._along_rows(torch.cat(spectrum, dim=-2), lead, back=True).movedim(-2, -4)
        return self._back_along_columns(turned.reshape(*lead, self.height, 2, -1))

    def inverse_around(self, spectrum: Spectrum | Tensor, reach: int) -> Tensor:
        """Return the pixels of ``inverse``'s images around the origin.

        What a pixel and its mirror images have of cosines and of sines is computed once for all four of them.

        Args:
            spectrum: Of the images; its real part alone where there is no other.
            reach: How many rows and columns on each side of it.

        Returns:
            ``(..., 2 reach + 1, 2 reach + 1)``, the origin in the middle.
        """
        real, imaginary = spectrum if isinstance(spectrum, Spectrum) else (spectrum, None)
        if _fast(self.device):
            lags = torch.arange(2 * reach + 1, device=self.device) - reach
            whole = Spectrum(real, torch.zeros_like(real) if imaginary is None else imaginary)
            return self.inverse(whole)[..., lags.unsqueeze(1), lags]
        # From the origin on; sines are zero there.
        cos_h, sin_h = self._waves_of_rows(torch.arange(reach + 1, device=self.device))
        cos_w, sin_w = self._waves_of_columns(torch.arange(reach + 1, device=self.device))
        cos_w, sin_w = (cos_w * self._shares).T, (sin_w[1:] * self._shares).T
        rows = torch.cat((cos_h, sin_h[:, 1:]), dim=1).T
        real_even, real_odd = (rows @ real).tensor_split((reach + 1,), dim=-2)
        if imaginary is None:
            even, odd = _unfolded(real_even @ cos_w, None, -2), _unfolded(None, real_odd @ -sin_w, -2)
        else:
            imaginary_even, imaginary_odd = (rows @ imaginary).tensor_split((reach + 1,), dim=-2)
            even = _unfolded(real_even @ cos_w, imaginary_odd @ cos_w, -2)
            odd = _unfolded(imaginary_even @ sin_w, real_odd @ -sin_w, -2)
        return _unfolded(even, odd, -1)

    def _back_along_columns(self, rows: Tensor) -> Tensor:
        """Undo `_along_columns`, of ``(..., H, 2, W // 2 + 1)``.

        Even frequencies repeat in the right half, odd ones do so with the other sign.
        """
        cos, sin = self._columns
        cos, sin = cos * self._shares, -sin * self._shares
        folds, images = _folds(self.width), None
        for number, group in enumerate(self._groups):
            length = self.width // 2 ** min(folds, folds + 1 - number)
            matrix = torch.cat((cos[:length, group], sin[:length, group]), dim=1).T
            part: Tensor = rows[..., group].flatten(-2) @ matrix
            images = part if images is None else torch.cat((images + part, images - part), dim=-1)
        assert images is not None
        return images

    def _along_rows(self, parts: Tensor, lead: torch.Size, *, back: bool) -> Tensor:
        """Transform real and imaginary parts along all rows, not divided by their number, or back.

        One large product becomes two small ones (Cooley and Tukey 1965): over every 16th row, or every eighth, then
        over those between, turned by where they lie.

        Args:
            parts: ``(..., 2, H, C)``, or the same numbers in another shape.
            lead: What comes before that in their shape.
            back: Whether to go back.

        Returns:
            ``(..., n, 2, m, C)``: row ``j n + i`` of the result lies at ``[..., i, :, j, :]``.
        """
        columns = parts.shape[-1]
        if self._radix is None:
            matrix = torch.cat(_halves(*self._rows, back=back))
            turned = matrix @ parts.reshape(*lead, 2 * self.height, columns)
            return turned.reshape(*lead, 1, 2, self.height, columns)
        count = self.height // self._radix
        first, second = self._backward if back else self._forward
        coarse = first @ parts.reshape(*lead, 2 * count, self._radix * columns)
        whole = second @ coarse.reshape(*lead, count, 2 * self._radix, columns)
        return whole.reshape(*lead, count, 2, self._radix, columns)


def _unfolded(even: Tensor | None, odd: Tensor | None, dim: int) -> Tensor:
    """Put what has the same sign on both sides of the middle, and what is subtracted beyond it, together.

    Either may be nothing.
    """
    if even is None:
        assert odd is not None
        return torch.cat((odd.flip(dim), torch.zeros_like(odd.narrow(dim, 0, 1)), -odd), dim=dim)
    middle, beyond = even.tensor_split((1,), dim=dim)
    before, after = (beyond, beyond) if odd is None else (beyond + odd, beyond - odd)
    return torch.cat((before.flip(dim), middle, after), dim=dim)


def _halves(cos: Tensor, sin: Tensor, *, back: bool) -> tuple[Tensor, Tensor]:
    """What gives the real and the imaginary part of a product with ``cos - i sin``, or ``cos + i sin`` if ``back``.

    Both are for real parts above imaginary ones.
    """
    sin = -sin if back else sin
    return torch.cat((cos, sin), dim=-1), torch.cat((-sin, cos), dim=-1)
