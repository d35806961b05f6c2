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

_RADIX: Final = 8
"""Rows are transformed in two steps where their number is a multiple of this, as it is in a graph."""

_FOLDS: Final = 4
"""Columns are folded where their number is a multiple of this."""


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
    """The frequencies of a spectrum's columns, 0 to ``width // 2``; in a graph the even ones come first."""
    if _fast(device) or width % _FOLDS:
        return torch.arange(width // 2 + 1, device=device)
    evens = 2 * torch.arange(width // _FOLDS + 1, device=device)
    return torch.cat((evens, 2 * torch.arange(width // _FOLDS, device=device) + 1))


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

    @cached_property
    def _rows(self) -> tuple[Tensor, Tensor]:
        return self._waves_of_rows(torch.arange(self.height, device=self.device))

    @cached_property
    def _columns(self) -> tuple[Tensor, Tensor]:
        return self._waves_of_columns(torch.arange(self.width, device=self.device))

    @cached_property
    def _split_waves(self) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Cosines and sines of the two steps of `_along_rows`: ``(H / R, H / R)``, and ``(H / R, R, R)``."""
        count = self.height // _RADIX
        coarse = torch.arange(count, device=self.device)
        fine = torch.arange(_RADIX, device=self.device)
        frequencies = coarse.unsqueeze(1) + extent(count, self.device) * fine
        cos, sin = waves(frequencies.flatten(), fine, self.height)
        shape = (count, _RADIX, _RADIX)
        return waves(coarse, coarse, count), (cos.reshape(shape), sin.reshape(shape))

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
        return self._along_rows(self._along_columns(images), back=False)

    def transform_centred(self, images: Tensor) -> Spectrum:
        """Transform ``(..., h, w)`` images whose middle is the origin, in an empty image of this size.

        Rows before the middle and after it are added for the cosines and subtracted for the sines, and so are columns,
        which leaves half of the products.

        Args:
            images: Real, of odd sides; what lies before the origin is wrapped around, and what is too large as well.
        """
        height, width = images.shape[-2:]
        if _fast(self.device) and height <= self.height and width <= self.width:
            missing = (0, self.width - width, 0, self.height - height)
            whole = F.pad(images, missing).roll((-(height // 2), -(width // 2)), dims=(-2, -1))
            return _of_complex(torch.fft.rfft2(whole))
        (cos_h, sin_h), (cos_w, sin_w) = self._waves_around(height // 2, width // 2)
        even, odd = _folded(images, -2)
        even_even, even_odd = _folded(even, -1)
        odd_even, odd_odd = _folded(odd, -1)
        real = torch.cat((even_even @ cos_w, odd_odd @ -sin_w), dim=-2)
        imaginary = torch.cat((even_odd @ -sin_w, odd_even @ -cos_w), dim=-2)
        rows = torch.cat((cos_h, sin_h), dim=1)
        return Spectrum(rows @ real, rows @ imaginary)

    def _waves_around(self, down: int, right: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Cosines and sines of rows and columns from the origin on: ``(H, down + 1)``, ``(right + 1, W // 2 + 1)``.

        The sines lack the origin, where they are zero.
        """
        cos_h, sin_h = self._waves_of_rows(torch.arange(down + 1, device=self.device))
        cos_w, sin_w = self._waves_of_columns(torch.arange(right + 1, device=self.device))
        return (cos_h, sin_h[:, 1:]), (cos_w, sin_w[1:])

    def _along_columns(self, images: Tensor) -> Spectrum:
        """Transform real ``(..., H, W)`` along their columns.

        The two halves of a row are added for the even frequencies and subtracted for the odd ones (Cooley and Tukey
        1965), which leaves half of the products.
        """
        cos, sin = self._columns
        if self.width % _FOLDS:
            return Spectrum(images @ cos, images @ -sin)
        half, evens = self.width // 2, self.width // _FOLDS + 1
        left, right = images[..., :half], images[..., half:]
        added, subtracted = left + right, left - right
        return Spectrum(
            *(
                torch.cat((added @ wave[:half, :evens], subtracted @ wave[:half, evens:]), dim=-1)
                for wave in (cos, -sin)
            )
        )

    def inverse(self, spectrum: Spectrum) -> Tensor:
        """Return the real images ``(..., H, W)`` of a spectrum."""
        if _fast(self.device):
            images: Tensor = torch.fft.irfft2(torch.complex(*spectrum), s=(self.height, self.width))
            return images
        return self._back_along_all_columns(self._along_rows(spectrum, back=True))

    def inverse_around(self, spectrum: Spectrum, reach: int) -> Tensor:
        """Return the pixels of ``inverse``'s images around the origin.

        What a pixel and its mirror images have of cosines and of sines is computed once for all four of them.

        Args:
            spectrum: Of the images.
            reach: How many rows and columns on each side of it.

        Returns:
            ``(..., 2 reach + 1, 2 reach + 1)``, the origin in the middle.
        """
        if _fast(self.device):
            lags = torch.arange(2 * reach + 1, device=self.device) - reach
            return self.inverse(spectrum)[..., lags.unsqueeze(1), lags]
        (cos_h, sin_h), (cos_w, sin_w) = self._waves_around(reach, reach)
        cos_w, sin_w = (cos_w * self._shares).T, (sin_w * self._shares).T
        rows = torch.cat((cos_h, sin_h), dim=1).T
        (real_even, real_odd), (imaginary_even, imaginary_odd) = (
            (rows @ part).tensor_split((reach + 1,), dim=-2) for part in spectrum
        )
        even = _unfolded(real_even @ cos_w, imaginary_odd @ cos_w, -2)
        odd = _unfolded(imaginary_even @ sin_w, real_odd @ -sin_w, -2)
        return _unfolded(even, odd, -1)

    def _back_along_columns(self, spectrum: Spectrum, columns: tuple[Tensor, Tensor]) -> Tensor:
        cos_w, sin_w = columns
        images: Tensor = spectrum.real @ (cos_w * self._shares).T - spectrum.imaginary @ (sin_w * self._shares).T
        return images

    def _back_along_all_columns(self, spectrum: Spectrum) -> Tensor:
        """Undo `_along_columns`: even frequencies repeat in the right half, odd ones with the other sign."""
        if self.width % _FOLDS:
            return self._back_along_columns(spectrum, self._columns)
        half, evens = self.width // 2, self.width // _FOLDS + 1
        cos, sin = (wave[:half] * self._shares for wave in self._columns)
        of_evens, of_odds = (
            spectrum.real[..., each] @ cos[:, each].T - spectrum.imaginary[..., each] @ sin[:, each].T
            for each in (slice(None, evens), slice(evens, None))
        )
        return torch.cat((of_evens + of_odds, of_evens - of_odds), dim=-1)

    def _along_rows(self, spectrum: Spectrum, *, back: bool) -> Spectrum:
        """Transform ``(..., H, C)`` along all of its rows, not divided by their number, or back.

        One large product becomes two small ones (Cooley and Tukey 1965): over every `_RADIX`-th row, then over those
        between, turned by where they lie.
        """
        if self.height % _RADIX:
            cos, sin = self._rows
            return _rotated(spectrum, cos, sin, back=back)
        lead, columns = spectrum.real.shape[:-2], spectrum.real.shape[-1]
        count = self.height // _RADIX
        (cos, sin), (cos_between, sin_between) = self._split_waves
        coarse = Spectrum(*(part.reshape(*lead, count, _RADIX * columns) for part in spectrum))
        turned = Spectrum(
            *(part.reshape(*lead, count, _RADIX, columns) for part in _rotated(coarse, cos, sin, back=back))
        )
        whole = _rotated(turned, cos_between, sin_between, back=back)
        return Spectrum(*(part.transpose(-3, -2).reshape(*lead, self.height, columns) for part in whole))


def _folded(images: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Add and subtract what lies on both sides of the middle: from the middle on, and beyond it."""
    reach = images.shape[dim] // 2
    before, middle, after = images.tensor_split((reach, reach + 1), dim=dim)
    mirrored = before.flip(dim)
    return torch.cat((middle, after + mirrored), dim=dim), after - mirrored


def _unfolded(even: Tensor, odd: Tensor, dim: int) -> Tensor:
    """Put what has the same sign on both sides of the middle, and what is subtracted beyond it, together."""
    middle, beyond = even.tensor_split((1,), dim=dim)
    return torch.cat(((beyond + odd).flip(dim), middle, beyond - odd), dim=dim)


def _rotated(spectrum: Spectrum, cos: Tensor, sin: Tensor, *, back: bool) -> Spectrum:
    """The product of the matrix ``cos - i sin``, or ``cos + i sin`` if ``back``, with ``(..., N, C)``."""
    stacked = torch.cat((spectrum.real, spectrum.imaginary), dim=-2)
    sin = -sin if back else sin
    return Spectrum(torch.cat((cos, sin), dim=-1) @ stacked, torch.cat((-sin, cos), dim=-1) @ stacked)
