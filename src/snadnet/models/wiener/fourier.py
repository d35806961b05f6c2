"""The discrete Fourier transform of real pictures, as products with matrices.

For the sizes of face crops this is as fast as a fast transform on one core, and it needs neither complex numbers nor
an operator that a runtime may lack: an exported graph holds matrix products only. All of it is float32.
"""

import math
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor


class Spectrum(NamedTuple):
    """A spectrum of real pictures; of the columns the first ``W // 2 + 1`` only, as the others mirror them.

    Attributes:
        real: ``(..., H, W // 2 + 1)``.
        imaginary: the same shape.
    """

    real: Tensor
    imaginary: Tensor

    def power(self) -> Tensor:
        """Return the squared magnitudes, ``(..., H, W // 2 + 1)``."""
        return self.real.square() + self.imaginary.square()

    def scaled(self, factor: Tensor) -> "Spectrum":
        """Multiply by a real factor."""
        return Spectrum(self.real * factor, self.imaginary * factor)

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


def half_weights(width: int, device: torch.device) -> Tensor:
    """How often each of the ``width // 2 + 1`` columns counts in the whole spectrum: twice, but for the unmirrored."""
    columns = torch.arange(width // 2 + 1, device=device)
    return torch.where((columns == 0) | (2 * columns == extent(width, device)), 1.0, 2.0)


def transform(pictures: Tensor) -> Spectrum:
    """Transform real ``(..., H, W)`` pictures."""
    height, width = pictures.shape[-2:]
    return transform_placed(pictures, height, width, row=0, column=0)


def transform_placed(pictures: Tensor, height: int, width: int, *, row: int, column: int) -> Spectrum:
    """Transform ``(..., h, w)`` pictures that lie in an empty ``height`` x ``width`` one, wrapped around its edges.

    Args:
        pictures: real, no larger than what they lie in.
        height: rows of what they lie in.
        width: columns of it.
        row: row of the pictures' first pixel; may be negative.
        column: its column.
    """
    device = pictures.device
    rows = torch.arange(pictures.shape[-2], device=device) + row
    columns = torch.arange(pictures.shape[-1], device=device) + column
    cos_w, sin_w = waves(columns, torch.arange(width // 2 + 1, device=device), width)
    cos_h, sin_h = waves(torch.arange(height, device=device), rows, height)
    along_rows = torch.cat((pictures @ cos_w, pictures @ -sin_w), dim=-2)
    real = torch.cat((cos_h, sin_h), dim=1) @ along_rows
    imaginary = torch.cat((-sin_h, cos_h), dim=1) @ along_rows
    return Spectrum(real, imaginary)


def inverse(spectrum: Spectrum, width: int) -> Tensor:
    """Return the real pictures ``(..., H, W)`` of a spectrum whose pictures are ``width`` wide."""
    device = spectrum.real.device
    rows = torch.arange(spectrum.real.shape[-2], device=device)
    return inverse_at(spectrum, width, rows, torch.arange(width, device=device))


def inverse_at(spectrum: Spectrum, width: int, rows: Tensor, columns: Tensor) -> Tensor:
    """Return the pixels in some rows and columns of :func:`inverse`'s pictures, ``(..., len(rows), len(columns))``.

    Rows and columns are integers; those below zero count from the other side.
    """
    height = spectrum.real.shape[-2]
    device = spectrum.real.device
    cos_h, sin_h = waves(rows, torch.arange(height, device=device), height)
    cos_w, sin_w = waves(torch.arange(width // 2 + 1, device=device), columns, width)
    stacked = torch.cat((spectrum.real, spectrum.imaginary), dim=-2)
    real = torch.cat((cos_h, -sin_h), dim=1) @ stacked
    imaginary = torch.cat((sin_h, cos_h), dim=1) @ stacked
    weights = half_weights(width, device).unsqueeze(1) / extent(height * width, device)
    pictures: Tensor = real @ (cos_w * weights) - imaginary @ (sin_w * weights)
    return pictures
