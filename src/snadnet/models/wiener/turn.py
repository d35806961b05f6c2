"""How the camera turned while it moved, as far as the restored face tells it.

A camera that turns by an angle ``t`` while it stands at the place ``u`` of its path moves the face's pixel ``p`` (from
the middle, right and down) by ``t (p_y, -p_x)`` more. So one kernel for the whole face leaves, to first order,

    ``y - k * x = -p_y (f * dx/dh) + p_x (f * dx/dv)``,  with ``f = k t``

unexplained: what it leaves on the left of the face has another sign than what it leaves on the right. As in the
refinement of a kernel, ``f`` is regressed on the restored face, in the Fourier domain, with what is left whitened
first; and so is ``t``, as a sum of wide bumps over the kernel. It says little: most of what is left is the face's own
error. So a small network says how far to believe it, place by place, and another whether to believe any of it.
"""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.layers.unet import ResidualUNet
from snadnet.models.wiener.data_step import band_means, frequency_bands
from snadnet.models.wiener.fourier import Fourier, Spectrum, column_frequencies, extent, full_precision, half_weights
from snadnet.models.wiener.full_size import map_kernels, signed_root
from snadnet.models.wiener.refinement import fading_window

_RIDGES: Final = (0.1, 1.0)
_KERNEL_RIDGE: Final = 0.3
_BUMPS: Final = 7
_BUMP_SPACING: Final = 0.125
_BUMP_SPREAD: Final = 0.165
_BUMP_RIDGES: Final = (0.3, 2.0)
_ITERATIONS: Final = 12
_LIMIT: Final = 4.0
_WHITENINGS: Final = 2
_FITS: Final = _WHITENINGS * len(_BUMP_RIDGES)
_MIRRORED_SIGN: Final = _WHITENINGS * (len(_RIDGES) + 1) + _FITS
"""So many maps, the first, change their sign in a mirror: what turned left turns right there."""

TURN_MAPS: Final = _MIRRORED_SIGN + _WHITENINGS + _FITS + 2
"""How many maps the estimator sees."""

_WIDTHS: Final = (32, 48, 64)
_UNITS: Final = (1, 1, 2)
_HIDDEN: Final = 32
_MOST: Final = 6.0
_LEAST_POWER: Final = 1e-9
_LEAST: Final = 1e-6
_TINY: Final = 1e-20


class TurnEstimator(nn.Module):
    """Say how a camera was turned at each place of a kernel; untrained, not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.network = ResidualUNet(TURN_MAPS, 1, widths=_WIDTHS, units=_UNITS)
        self.hidden = nn.Linear(TURN_MAPS + 1, _HIDDEN)
        self.belief = nn.Linear(_HIDDEN, 1)
        nn.init.zeros_(self.belief.weight)
        nn.init.zeros_(self.belief.bias)

    def forward(self, kernel: Tensor, maps: Tensor) -> Tensor:
        """Estimate the turn.

        Args:
            kernel: ``(B, K, K)``, sum 1, ``K`` odd.
            maps: What `turn_maps` makes of it and of the faces.

        Returns:
            ``(B, K, K)`` float32, counter-clockwise, in pixels by which the middle of a quarter of the face is moved; 0
            in the kernel's mean, as a face that is turned as a whole is no blur.
        """
        known = kernel.float()
        turn = _MOST * torch.tanh(map_kernels(self.network, maps)[:, 0] / _MOST)
        turn = turn - (known * turn).sum(dim=(1, 2), keepdim=True)
        # Whether the camera turned at all, the maps tell as a whole.
        turned = (known * turn.square()).sum(dim=(1, 2)).unsqueeze(1)
        strengths = torch.log(torch.cat((maps.square().mean(dim=(2, 3)), turned), dim=1) + _LEAST) / 4.0 + 1.0
        belief = 2.0 * torch.sigmoid(self.belief(F.gelu(self.hidden(strengths))))
        return belief.unsqueeze(2) * turn


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
        ``(B, TURN_MAPS, K, K)``, of each kind by both whitenings: ``f`` with each ridge, ``t`` of bumps with each,
        and ``f`` of these, which change their signs in a mirror; then how the kernel itself should change, the
        kernel, which share of what is unexplained each ``t`` would explain, and how much that is.
    """
    with full_precision(brightness):
        known = kernel.float().clamp_min(0.0).unsqueeze(1)
        seen = _regressed(known, brightness, unexplained)
        turn = seen.turn.clamp(-_LIMIT, _LIMIT)
        level = torch.log(unexplained.square().mean(dim=(2, 3), keepdim=True) + 1e-8) / 4.0 + 2.0
        worth = torch.log(seen.worth.clamp_min(_LEAST)) / 4.0 + 1.0
        maps = (
            signed_root(seen.moved),
            turn * known.sqrt(),
            signed_root(known * turn[:, :: len(_BUMP_RIDGES)]),
            signed_root(seen.change),
            known.sqrt(),
            torch.cat((worth[..., None, None], level), dim=1).expand(-1, -1, *known.shape[-2:]),
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


class _Regressions(NamedTuple):
    """What is regressed on the restored face, by each whitening.

    Attributes:
        moved: ``f`` with each ridge, ``(B, 4, K, K)``.
        turn: ``t`` as a sum of bumps with each ridge, the same shape.
        worth: The shares of what is left that they would explain, ``(B, 4)``.
        change: What is to be added to the kernel itself, ``(B, 2, K, K)``.
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
    whitenings = _whitenings(left.power(), height, width)
    white = left.scaled(whitenings)
    again = fourier.inverse(white) * window
    moments = fourier.transform(torch.cat((again * below, again * beside), dim=1))
    # Transfer functions of central differences, but for the imaginary unit.
    down = torch.sin(2.0 * math.pi * torch.arange(height, device=device) / extent(height, device)).unsqueeze(1)
    right = torch.sin(2.0 * math.pi * column_frequencies(width, device) / extent(width, device))
    across = Spectrum(
        *(right * part[:, :_WHITENINGS] - down * part[:, _WHITENINGS:] for part in moments)
    ).times_conjugate(source)
    gradient = Spectrum(-across.imaginary, across.real)
    roughness = right.square() + down.square()
    power = source.power() * roughness * whitenings
    mean = (power * half_weights(width, device)).sum(dim=(2, 3), keepdim=True) / extent(height * width, device)
    arm = (window * below).square().mean()
    turns = [1.0 / (arm * (power + ridge * mean) + _LEAST) for ridge in _RIDGES]
    changes = roughness / (power + _KERNEL_RIDGE * mean + _LEAST)
    spectra = (gradient, *(gradient.scaled(each) for each in turns), white.times_conjugate(source).scaled(changes))
    together = Spectrum(*(torch.cat(parts, dim=1) for parts in zip(*spectra, strict=True)))
    reach = kernel.shape[-1] // 2
    maps = fourier.inverse_around(together, reach)
    correlated = fourier.inverse_around(arm * power, 2 * reach)
    turn, worth = _by_bumps(kernel, maps[:, :_WHITENINGS], correlated)
    return _Regressions(maps[:, _WHITENINGS:-_WHITENINGS], turn, worth, maps[:, -_WHITENINGS:])


def _by_bumps(kernel: Tensor, gradient: Tensor, correlated: Tensor) -> tuple[Tensor, Tensor]:
    """Fit ``t`` as a sum of bumps, each without its mean over the exposure, by each whitening with each ridge.

    Args:
        kernel: ``(B, 1, K, K)``.
        gradient: Of what is unexplained by ``f``, ``(B, W, K, K)``.
        correlated: What a place of ``f`` answers to others, by the distance between them, ``(B, W, 2 K - 1, 2 K - 1)``.

    Returns:
        ``t`` ``(B, W R, K, K)``, and how much it explains, ``(B, W R)``.
    """
    side = kernel.shape[-1]
    along = _bumps_along(side, kernel.device)
    # Never whole bumps, which a graph would hold as a large constant.
    exposed = (kernel.unsqueeze(1) * along[:, None, :, None] * along[:, None, :]).flatten(1, 2)
    means = exposed.sum(dim=(2, 3), keepdim=True)
    parts = exposed - means * kernel
    # As large as the distances between all places, so that nothing is wrapped around.
    fourier = Fourier(2 * side, 2 * side, kernel.device)
    placed = fourier.transform_centred(parts)
    answer = fourier.transform_centred(correlated).real
    answer = (answer * half_weights(2 * side, kernel.device) / (4 * side**2)).flatten(2).unsqueeze(2)
    real, imaginary = (part.flatten(2).unsqueeze(1) for part in placed)
    normal = (real * answer) @ real.mT + (imaginary * answer) @ imaginary.mT
    towards = gradient.flatten(2) @ parts.flatten(2).mT
    shares = _solved(normal.flatten(0, 1), towards.flatten(0, 1).unsqueeze(2))
    worth = (shares * towards.flatten(0, 1).unsqueeze(2)).sum(dim=1).view(-1, _FITS)
    shares = shares.mT.reshape(-1, _FITS, _BUMPS**2)
    turns = along.T @ shares.view(-1, _FITS, _BUMPS, _BUMPS) @ along
    return turns - (shares @ means.flatten(2)).unsqueeze(3), worth


def _bumps_along(side: int, device: torch.device) -> Tensor:
    """Wide bumps along the rows or columns of a kernel, ``(7, K)``; their products are those over all of it."""
    middles = (torch.arange(_BUMPS, device=device) - _BUMPS // 2) * (_BUMP_SPACING * (side - 1))
    places = torch.arange(side, device=device) - side // 2
    return torch.exp(-(places - middles.unsqueeze(1)).square() / (2.0 * (_BUMP_SPREAD * side) ** 2))


def _solved(normal: Tensor, towards: Tensor) -> Tensor:
    """Solve ridge regressions by conjugate gradients: ``(B, N, N)`` and ``(B, N, 1)`` to ``(B, N, R)``.

    In exact numbers some more iterations would be needed; the ridges make the rest of them matter little. A graph has
    no operator that solves equations.
    """
    scale = normal.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None] + _LEAST
    ridges = torch.tensor(_BUMP_RIDGES, device=normal.device)[:, None, None]
    matrices = (normal / scale).unsqueeze(1) + ridges * torch.eye(normal.shape[-1], device=normal.device)
    left = (towards / scale).unsqueeze(1).expand(-1, len(_BUMP_RIDGES), -1, -1)
    found, direction = torch.zeros_like(left), left
    size = left.mT @ left
    for _ in range(_ITERATIONS):
        answer = matrices @ direction
        step = size / (direction.mT @ answer + _TINY)
        found, left = found + step * direction, left - step * answer
        before, size = size, left.mT @ left
        direction = left + size / (before + _TINY) * direction
    return found.squeeze(3).mT


def _arms(length: int, device: torch.device) -> Tensor:
    """How far each row or column is from the middle, as a share of how far the middle of a half is."""
    places = torch.arange(length, device=device) - (extent(length, device) - 1) / 2
    return places * 4.0 / extent(length, device)


def _whitenings(power: Tensor, height: int, width: int) -> Tensor:
    """What brings a spectrum about to white, for each image, ``(B, 2, H, W // 2 + 1)``: by its slope, and half way.

    All the way, the highest frequencies would count most, in which there is noise alone. What is left has the power 1.
    """
    bands = frequency_bands(height, width, power.device)
    halves = half_weights(width, power.device)
    level = band_means(power.squeeze(1), bands * halves)
    spectrum = torch.exp(torch.log(level + _LEAST_POWER) @ bands.flatten(1)).view_as(power)
    rows = torch.arange(height, device=power.device)
    down = torch.minimum(rows, height - rows) / extent(height, power.device)
    right = column_frequencies(width, power.device) / extent(width, power.device)
    slope = (down.square().unsqueeze(1) + right.square()).expand_as(power)
    both = torch.cat((slope, spectrum.rsqrt()), dim=1)
    left = (both * spectrum * halves).sum(dim=(2, 3), keepdim=True) / extent(height * width, power.device)
    return both / (left + _LEAST)
