"""Deconvolution by turns: a data step towards what explains the blurred face, then a denoiser that knows faces.

A single inverse filter either leaves the blur or amplifies noise, and what a network makes of its result is guessed in
one go. By turns, each step corrects the other (half-quadratic splitting with a denoiser for a prior, "plug and play":
Venkatakrishnan et al. 2013; learned from end to end: Zhang et al. 2020, Deep Unfolding Network for Image
Super-Resolution). The kernel is wrong in part, so the denoiser is also shown what is left to explain: where
the kernel is wrong, it shows there.
"""

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from snadnet.models.layers.unet import ResidualUNet
from snadnet.models.wiener.data_step import DataStep, Observation, Step, brightness, without_margin
from snadnet.models.wiener.fourier import full_precision
from snadnet.models.wiener.quarters import QUARTERS, Quarters
from snadnet.models.wiener.turn import TurnEstimator, turn_maps, turned_kernels

_FIRST_LEVEL: Final = 20.0 / 255.0
_LAST_LEVEL: Final = 7.0 / 255.0
_NOISE: Final = 0.011
"""Noise that the first weights of the data steps suit; lower than photos', as a face's own spectrum falls steeply."""

_LEVEL_SCALE: Final = 10.0


class Work(NamedTuple):
    """How much work a deconvolution takes upon itself.

    Attributes:
        rounds: How many there are.
        repetitions: How often the data step's closed form is taken.
        border: How far beyond the edges the denoiser of the last round sees, in pixels, a multiple of 8; None for as
            far as the canvas reaches.
        widths: Channels of the denoiser's levels, from half size down.
        units: Their residual units, on each side.
        units_down: Those of the levels but the last on the way down, where they are not as many as on the way up.
        shows_unexplained: Whether the denoiser sees what was left to explain.
    """

    rounds: int = 2
    repetitions: int = 2
    border: int | None = None
    widths: tuple[int, ...] = (24, 48, 96)
    units: tuple[int, ...] = (1, 2, 2)
    units_down: tuple[int, ...] | None = None
    shows_unexplained: bool = True


THOROUGH: Final = Work()
QUICK: Final = Work(
    rounds=1, repetitions=1, border=8, widths=(24, 48), units=(1, 4), units_down=(0,), shows_unexplained=False
)
"""For faces that a whole pass has restored at half their size: what that has done need not be done again."""


class Denoiser(nn.Module):
    """Take noise of a known strength off faces, seeing what else is known of them; untrained, it changes nothing.

    Args:
        work: How much there is to be done.
    """

    def __init__(self, work: Work = THOROUGH) -> None:
        super().__init__()
        self.shows_unexplained = work.shows_unexplained
        # The images, their noise's level, the last step's change and what was left to explain.
        channels = 10 if work.shows_unexplained else 7
        self.network = ResidualUNet(channels, 3, widths=work.widths, units=work.units, units_down=work.units_down)

    def forward(self, images: Tensor, level: Tensor, change: Tensor, unexplained: Tensor) -> Tensor:
        """Denoise images.

        Args:
            images: ``(B, 3, H, W)`` RGB, about ``[0, 1]``.
            level: ``(B,)``, the standard deviation of the noise.
            change: What the data step added to them, the same shape; zeros for images with plain noise.
            unexplained: What was left to explain before, the same shape; zeros for images with plain noise.

        Returns:
            The same shape, float32.
        """
        levels = (_LEVEL_SCALE * level)[:, None, None, None].expand(-1, 1, *images.shape[-2:])
        seen = (images - 0.5, levels, change, *((unexplained,) if self.shows_unexplained else ()))
        residual: Tensor = self.network(torch.cat(seen, dim=1))
        return images + residual


class UnrolledDeconvolution(nn.Module):
    """Rounds of a data step and the denoiser, which is the same in all; see the module.

    Args:
        work: How much there is to be done.
    """

    def __init__(self, work: Work = THOROUGH) -> None:
        super().__init__()
        self.border = work.border
        self.denoiser = Denoiser(work)
        ratio = _LAST_LEVEL / _FIRST_LEVEL
        levels = [_FIRST_LEVEL * ratio ** (number / max(1, work.rounds - 1)) for number in range(work.rounds)]
        self.steps = nn.ModuleList(
            DataStep(weight=(_NOISE / level) ** 2, level=level, repetitions=work.repetitions) for level in levels
        )

    def repeat(self, repetitions: int) -> None:
        """Take the data steps' closed form so often."""
        for step in self.steps:
            assert isinstance(step, DataStep)
            step.repetitions = repetitions

    def begin_as(self, other: "UnrolledDeconvolution") -> None:
        """Take the weights of another one that does as much or more: of its rounds and levels the first."""
        self.denoiser.network.begin_as(other.denoiser.network)
        for own, step in zip(self.steps, other.steps, strict=False):
            own.load_state_dict(step.state_dict())

    def forward(
        self, blurred: Tensor, kernel: Tensor, draft: Tensor, *, turn_estimator: TurnEstimator | None = None
    ) -> tuple[Tensor, ...]:
        """Deconvolve faces, from a draft on.

        Args:
            blurred: ``(B, 3, H, W)`` RGB in ``[0, 1]``; sides are even, and with ``K - 1`` multiples of 8.
            kernel: ``(B, K, K)``, sum 1, ``K`` odd.
            draft: Faces to begin with, the shape of ``blurred``.
            turn_estimator: What estimates how the camera turned. In the last round each quarter of the face has a
                kernel of its own then.

        Returns:
            The faces after each round, about ``[0, 1]``, float32.
        """
        observed, images, rounds = self._all_but_last(blurred, kernel, draft)
        if turn_estimator is not None:
            with full_precision(blurred):
                turn = turn_estimator(kernel, _maps(observed, images, kernel))
            return (*rounds, self.last_round(blurred, kernel, images, turn))
        with full_precision(blurred):
            stepped = self.steps[-1](images, observed)
        return (*rounds, self._denoised_last(stepped, images, observed.margin))

    def last_round(self, blurred: Tensor, kernel: Tensor, images: Tensor, turn: Tensor) -> Tensor:
        """Take the last round, with a kernel for each quarter of the face.

        Args:
            blurred: As `forward`'s.
            kernel: Likewise.
            images: The faces before this round on their canvas, ``(B, 3, H + K - 1, W + K - 1)``.
            turn: How the camera turned, ``(B, K, K)``.

        Returns:
            The shape of ``blurred``, about ``[0, 1]``, float32.
        """
        with full_precision(blurred):
            stepped = _by_quarters(self.steps[-1], images, blurred, kernel, turn)
        return self._denoised_last(stepped, images, kernel.shape[-1] // 2)

    def before_last(self, blurred: Tensor, kernel: Tensor, draft: Tensor) -> tuple[Tensor, Tensor]:
        """Return the faces on their canvas before the last round, and what an estimator of the turn sees of them.

        See `snadnet.models.wiener.turn.turn_maps`; the arguments are `forward`'s.
        """
        observed, images, _ = self._all_but_last(blurred, kernel, draft)
        with full_precision(blurred):
            return images, _maps(observed, images, kernel)

    def _all_but_last(self, blurred: Tensor, kernel: Tensor, draft: Tensor) -> tuple[Observation, Tensor, list[Tensor]]:
        """What is observed, the faces on the canvas before the last round, and off it after each round up to there."""
        with full_precision(blurred):
            observed = Observation(blurred, kernel)
            images = observed.extend(draft)
        rounds = []
        for step in self.steps[:-1]:
            with full_precision(blurred):
                stepped = step(images, observed)
            images = self._denoised(stepped, images)
            rounds.append(observed.crop(images))
        return observed, images, rounds

    def _denoised(self, stepped: Step, images: Tensor) -> Tensor:
        """The faces on the canvas after a step from ``images``."""
        denoised: Tensor = self.denoiser(stepped.images, stepped.level, stepped.images - images, stepped.unexplained)
        return denoised

    def _denoised_last(self, stepped: Step, images: Tensor, margin: int) -> Tensor:
        """The faces off the canvas, which is larger by a margin, after the last step."""
        border = margin if self.border is None else min(self.border, margin)
        found, before, unexplained = (
            without_margin(each, margin - border) for each in (stepped.images, images, stepped.unexplained)
        )
        return without_margin(self._denoised(Step(found, stepped.level, unexplained), before), border)


def _maps(observed: Observation, images: Tensor, kernel: Tensor) -> Tensor:
    """What an estimator of the turn sees of faces on the canvas."""
    canvas = brightness(images)
    return turn_maps(kernel, observed.crop(canvas), observed.unexplained_brightness(canvas))


def _by_quarters(step: nn.Module, images: Tensor, blurred: Tensor, kernel: Tensor, turn: Tensor) -> Step:
    """Take a step from ``images`` on the canvas in each quarter's view, by its own kernel."""
    quarters = Quarters(kernel.shape[-1] // 2)
    observed = Observation(quarters.views(blurred), turned_kernels(kernel, turn).transpose(0, 1).flatten(0, 1))
    margin = observed.margin
    stepped: Step = step(quarters.views(images, margin=margin), observed)
    joined = quarters.joined(torch.cat((stepped.images, stepped.unexplained), dim=1), margin=margin)
    found, unexplained = joined.chunk(2, dim=1)
    return Step(found, stepped.level.view(QUARTERS, -1).mean(dim=0), unexplained)
