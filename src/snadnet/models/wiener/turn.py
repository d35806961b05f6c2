"""How the camera turned while it moved, as far as the restored face tells it.

A camera that turns by an angle ``t`` while it stands at the place ``u`` of its path moves the face's pixel ``p`` (from
the middle, right and down) by ``t (p_y, -p_x)`` more. So one kernel for the whole face leaves, to first order,

    ``y - k * x = -p_y (f * dx/dh) + p_x (f * dx/dv)``,  with ``f = k t``

unexplained: what it leaves on the left of the face has another sign than what it leaves on the right. As in the
refinement of a kernel, ``f`` is regressed on the restored face, in the Fourier domain, with what is left whitened
first; and so is ``t``, as a sum of a few wide bumps over the kernel. It says little: most of what is left is the face's
own error. So a small network says how far to believe it.
"""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.layers.unet import ResidualUNet
from snadnet.models.wiener.data_step import frequency_bands
from snadnet.models.wiener.fourier import Fourier, Spectrum, column_frequencies, extent, full_precision, half_weights
from snadnet.models.wiener.full_size import map_kernels
from snadnet.models.wiener.refinement import fading_window

_RIDGES: Final = (0.1, 1.0)
_KERNEL_RIDGE: Final = 0.3
_SPREADS: Final = (2.5, 7.0)
_BUMPS: Final = 5
_BUMP_RIDGES: Final = (0.3, 2.0)
_ITERATIONS: Final = 12
_LIMIT: Final = 8.0
_MIRRORED_SIGN: Final = len(_RIDGES) * (1 + len(_SPREADS)) + len(_BUMP_RIDGES)
"""So many maps, the first, change their sign in a mirror: what turned left turns right there."""

TURN_MAPS: Final = _MIRRORED_SIGN + len(_BUMP_RIDGES) + 3
"""How many maps the estimator sees."""

_WIDTHS: Final = (32, 48, 64)
_UNITS: Final = (1, 1, 2)
_MOST: Final = 6.0
_LEAST_POWER: Final = 1e-9
_LEAST: Final = 1e-6
_TINY: Final = 1e-20


class TurnEstimator(nn.Module):
    """Say how a camera was turned at each place of a kernel; untrained, not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.network = ResidualUNet(TURN_MAPS, 1, widths=_WIDTHS, units=_UNITS)

    def forward(self, kernel: Tensor, maps: Tensor) -> Tensor:
        """Estimate the turn.

        Args:
            kernel: ``(B, K, K)``, sum 1, ``K`` odd.
            maps: What `turn_maps` makes of it and of the faces.

        Returns:
            ``(B, K, K)`` float32, counter-clockwise, in pixels by which the middle of a quarter of the face is moved; 0
            in the kernel's mean, as a face that is turned as a whole is no blur.
        """
        turn = _MOST * torch.tanh(map_kernels(self.network, maps)[:, 0] / _MOST)
        return turn - (kernel.float() * turn).sum(dim=(1, 2), keepdim=True)


def turned_kernels(kernel: Tensor, turn: Tensor) -> Tensor:
    """Return what blurs the middles of the quarters of a face.

    Args:
        kernel: ``(B, K, K)``, what blurs the middle of the face: sum 1, ``K`` odd.
        turn: ``(B, K, K)``, see `TurnEstimator`.

    Returns:
        ``(B, 4, K, K)`` in the order of `snadnet.models.wiener.quarters`, each of sum 1.
    """
    side = kernel.shape[-1]
    places = torch.arange(side, device=kernel.device) - side // 2
    # The exposure that a place had is spread over more room, or less, where its neighbours turn otherwise.
    right = F.pad((turn[:, :, 2:] - turn[:, :, :-2]) / 2, (1, 1))
    down = F.pad((turn[:, 2:] - turn[:, :-2]) / 2, (0, 0, 1, 1))
    moved = []
    for below, beside in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        sources = torch.stack((places - below * turn, places.unsqueeze(1) + beside * turn), dim=-1)
        found = F.grid_sample(kernel.unsqueeze(1), sources / (side // 2), padding_mode="zeros", align_corners=True)
        moved.append(found[:, 0] * (1.0 - below * right + beside * down).clamp_min(0.0))
    kernels = torch.stack(moved, dim=1)
    return kernels / kernels.sum(dim=(2, 3), keepdim=True)


def turn_maps(kernel: Tensor, brightness: Tensor, unexplained: Tensor) -> Tensor:
    """Return what the estimator sees.

    Args:
        kernel: ``(B, K, K)``, sum 1, ``K`` odd.
        brightness: The mean of the restored face's channels, ``(B, 1, H, W)`` in ``[0, 1]``, sides over ``K``.
        unexplained: That of the blurred face, less that of the restored one blurred by the kernel; the same shape.

    Returns:
        ``(B, TURN_MAPS, K, K)``: ``f`` with each ridge, ``t`` of bumps, and ``t`` within each spread with each ridge,
        which change their signs in a mirror; then how the kernel itself should change, the kernel, how much is
        unexplained, and the share of it that each ``t`` of bumps would explain.
    """
    with full_precision(brightness):
        known = kernel.float().clamp_min(0.0).unsqueeze(1)
        seen = _regressed(known, brightness, unexplained)
        turns = [seen.turn, *(_turn_within(spread, known, seen.moved) for spread in _SPREADS)]
        level = torch.log(unexplained.square().mean(dim=(2, 3), keepdim=True) + 1e-8) / 4.0 + 2.0
        worth = torch.log(seen.worth.clamp_min(1e-3)) / 4.0 + 1.0
        maps = (
            _rooted(seen.moved),
            *(turn.clamp(-_LIMIT, _LIMIT) * known.sqrt() for turn in turns),
            _rooted(seen.change),
            known.sqrt(),
            torch.cat((level, worth[..., None, None]), dim=1).expand(-1, -1, *known.shape[-2:]),
        )
        return torch.cat(maps, dim=1)


def mirrored_maps(maps: Tensor, symmetry: int) -> Tensor:
    """Return what `turn_maps` makes of one of the eight symmetries of the square of a face.

    Args:
        maps: ``(B, TURN_MAPS, K, K)``.
        symmetry: 0 to 7; odd ones mirror left and right, and 2, 4 and 6 turn by quarters before.
    """
    turned = maps.rot90(symmetry // 2, dims=(-2, -1))
    if symmetry % 2 == 0:
        return turned
    flipped = turned.flip(-1)
    return torch.cat((-flipped[:, :_MIRRORED_SIGN], flipped[:, _MIRRORED_SIGN:]), dim=1)


def enlarged_turn(turn: Tensor) -> Tensor:
    """Return the turn of a face of twice the size: ``(B, K, K)`` becomes ``(B, 2 K - 1, 2 K - 1)``."""
    side = 2 * turn.shape[-1] - 1
    larger = F.interpolate(turn.unsqueeze(1), size=(side, side), mode="bilinear", align_corners=True)
    return 2.0 * larger.squeeze(1)


class _Regressions(NamedTuple):
    """What is regressed on the restored face.

    Attributes:
        moved: ``f`` with each ridge, ``(B, 2, K, K)``.
        turn: ``t`` as a sum of bumps with each ridge, the same shape.
        worth: The shares of what is left that they would explain, ``(B, 2)``.
        change: What is to be added to the kernel itself, ``(B, 1, K, K)``.
    """

    moved: Tensor
    turn: Tensor
    worth: Tensor
    change: Tensor


def _regressed(kernel: Tensor, brightness: Tensor, unexplained: Tensor) -> _Regressions:
    """Regress what is left to explain, see the module; the kernels are ``(B, 1, K, K)``."""
    device = brightness.device
    height, width = brightness.shape[-2:]
    fourier = Fourier(height, width, device)
    below, beside = _arms(height, device).unsqueeze(1), _arms(width, device)
    window = fading_window(height, device).unsqueeze(1) * fading_window(width, device)
    left = fourier.transform(unexplained * window)
    source = fourier.transform(brightness - brightness.mean(dim=(2, 3), keepdim=True))
    whitening = _whitening(left.power(), height, width)
    white = left.scaled(whitening)
    again = fourier.inverse(white) * window
    moments = fourier.transform(torch.cat((again * below, again * beside), dim=1))
    # Transfer functions of central differences, but for the imaginary unit.
    down = torch.sin(2.0 * math.pi * torch.arange(height, device=device) / extent(height, device)).unsqueeze(1)
    right = torch.sin(2.0 * math.pi * column_frequencies(width, device) / extent(width, device))
    across = Spectrum(*(right * part[:, :1] - down * part[:, 1:] for part in moments)).times_conjugate(source)
    gradient = Spectrum(-across.imaginary, across.real)
    roughness = right.square() + down.square()
    power = source.power() * roughness * whitening
    mean = power.mean(dim=(2, 3), keepdim=True)
    arm = (window * below).square().mean()
    turns = torch.cat([1.0 / (arm * (power + ridge * mean) + _LEAST) for ridge in _RIDGES], dim=1)
    changes = roughness / (power + _KERNEL_RIDGE * mean + _LEAST)
    spectra = (gradient, gradient.scaled(turns), white.times_conjugate(source).scaled(changes))
    together = Spectrum(*(torch.cat(parts, dim=1) for parts in zip(*spectra, strict=True)))
    reach = kernel.shape[-1] // 2
    lags = torch.arange(kernel.shape[-1], device=device) - reach
    maps = fourier.inverse_at(together, lags, lags)
    bumps = _bumps(kernel)
    parts = kernel * bumps
    placed = fourier.transform_placed(parts, row=-reach, column=-reach)
    answered = fourier.inverse_at(placed.scaled(arm * power), lags, lags)
    normal, towards = parts.flatten(2) @ answered.flatten(2).mT, parts.flatten(2) @ maps[:, :1].flatten(2).mT
    shares = _solved(normal, towards)
    turn = (shares.mT @ bumps.flatten(2)).view(-1, len(_BUMP_RIDGES), *kernel.shape[-2:])
    total = (left.power() * whitening).mean(dim=(2, 3))
    worth = (shares * towards).sum(dim=1) / (total + _LEAST)
    return _Regressions(maps[:, 1:-1], turn, worth, maps[:, -1:])


def _bumps(kernel: Tensor) -> Tensor:
    """Wide bumps over kernels ``(B, 1, K, K)``, each without its mean over the exposure: ``(B, 25, K, K)``."""
    side = kernel.shape[-1]
    spacing = side / (_BUMPS + 1)
    middles = (torch.arange(_BUMPS, device=kernel.device) - _BUMPS // 2) * spacing
    places = torch.arange(side, device=kernel.device) - side // 2
    along = torch.exp(-(places - middles.unsqueeze(1)).square() / (2.0 * spacing**2))
    bumps = (along[:, None, :, None] * along[None, :, None, :]).reshape(1, _BUMPS**2, side, side)
    return bumps - (kernel * bumps).sum(dim=(2, 3), keepdim=True)


def _solved(normal: Tensor, towards: Tensor) -> Tensor:
    """Solve ridge regressions by conjugate gradients: ``(B, N, N)`` and ``(B, N, 1)`` to ``(B, N, R)``.

    In exact numbers some more iterations would be needed; the ridges make the rest of them matter little. A graph has
    no operator that solves equations.
    """
    scale = normal.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None] + _LEAST
    normal, left = normal / scale, (towards / scale).expand(-1, -1, len(_BUMP_RIDGES))
    ridges = torch.tensor(_BUMP_RIDGES, device=normal.device)
    found, direction = torch.zeros_like(left), left
    size = left.square().sum(dim=1, keepdim=True)
    for _ in range(_ITERATIONS):
        answer = normal @ direction + ridges * direction
        step = size / ((direction * answer).sum(dim=1, keepdim=True) + _TINY)
        found, left = found + step * direction, left - step * answer
        before, size = size, left.square().sum(dim=1, keepdim=True)
        direction = left + size / (before + _TINY) * direction
    return found


def _arms(length: int, device: torch.device) -> Tensor:
    """How far each row or column is from the middle, as a share of how far the middle of a half is."""
    places = torch.arange(length, device=device) - (extent(length, device) - 1) / 2
    return places * 4.0 / extent(length, device)


def _whitening(power: Tensor, height: int, width: int) -> Tensor:
    """What brings a spectrum half way to white, for each image: ``(B, 1, H, W // 2 + 1)``.

    All the way, the highest frequencies would count most, in which there is noise alone.
    """
    bands = frequency_bands(height, width, power.device).flatten(1)
    weights = (bands.view(len(bands), height, -1) * half_weights(width, power.device)).flatten(1)
    level = power.flatten(1) @ weights.T / weights.sum(dim=1)
    return torch.exp(-0.5 * (torch.log(level + _LEAST_POWER) @ bands)).view_as(power)


def _turn_within(spread: float, kernel: Tensor, found: Tensor) -> Tensor:
    """Fit ``t`` to ``f`` around each place of a kernel: ``(B, 2, K, K)``."""
    places = torch.arange(kernel.shape[-1], device=kernel.device)
    near = torch.exp(-(places.unsqueeze(1) - places).square() / (2.0 * spread**2)) / (spread * math.sqrt(2.0 * math.pi))
    summed, squares = (near @ each @ near for each in (kernel * found, kernel.square()))
    return summed / (squares + _LEAST)


def _rooted(maps: Tensor) -> Tensor:
    """Square roots with their signs, as the parts of a long kernel are small and their differences matter."""
    return maps.sign() * maps.abs().sqrt()
