"""The mixture of blurs, noise and compression that training faces are degraded with."""

import io
import math
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, model_validator

from snadnet.blur import (
    Border,
    CameraMotion,
    add_noise,
    apply_kernel,
    blur_by_motion,
    camera_motions,
    disc_kernel,
    linear_kernel,
    trajectory_kernels,
)
from snadnet.data.blurs import convolved_kernel
from snadnet.data.camera import draw_gain, expose, process, unclip_highlights
from snadnet.data.protocols import TEST_KERNEL_SEEDS, TRAINING_KERNEL_SEEDS
from snadnet.image_arrays import to_float, to_uint8
from snadnet.srgb import decode_srgb

KERNEL_SIDE: Final = 49
"""Rows and columns of the kernels that come with training faces."""

REFERENCE_SIZE = 160
"""Blur sizes are given in pixels of faces of this size, and grow in proportion with the image."""


class Borders(BaseModel):
    """Padding beyond the edges of a face that is blurred: how often each kind, relative to the others.

    Attributes:
        reflect: The face, mirrored, as in the test protocols.
        replicate: Its edge pixels, repeated.
        black: Nothing; the edges go dark. Test images of other makers may be of this kind.
        surroundings: What the image shows around the face, as in a photo. It takes a face from the middle of a larger
            image; where an image is too small for that, it is mirrored.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    reflect: float = Field(1.0, ge=0)
    replicate: float = Field(0.0, ge=0)
    black: float = Field(0.0, ge=0)
    surroundings: float = Field(0.0, ge=0)

    @model_validator(mode="after")
    def _check(self) -> "Borders":
        if not any(share for _, share in self):
            raise ValueError("the shares of the borders are all zero")
        return self


class Degradation(BaseModel):
    """The mixture by which sharp faces become blurred ones in training. Shares need not add up to one.

    Attributes:
        paper_share: Of faces that are blurred by the paper's noisy trajectories (III-A), which are this class's
            defaults, whatever the following says.
        sharp_share: Of the others, those without motion blur.
        linear_share: Of faces with a straight motion, of any direction.
        trajectory_share: Of faces with a camera-trajectory kernel.
        rotating_share: Of faces taken by a camera that also turns, so that the blur varies over the face.
        smallest, largest: Extent of the blur in pixels at 160 px; in larger images it ends at 47 px of their own.
        linear_length, linear_angle: Fix the straight motion, in pixels of the image itself and degrees.
        long_share: Of trajectories that are drawn from the longer half of that range; the others from all of it.
        exposure: The shortest part of a trajectory that is integrated; drawn from there to 1.
        anxiety: Range of the trajectories' strength of disturbance, drawn log-uniformly.
        rotation: Range of the largest turn of a turning camera from its mean, in degrees.
        noise: Range of the Gaussian noise's standard deviation, of ``[0, 1]``.
        noise_free_share: Of faces to which no noise is added, whatever ``noise`` says.
        borders: What lies beyond the edges.
        defocus_share: Of faces that are out of focus too, those without motion among them.
        defocus: Range of the radius of the disc, in pixels at 160 px.
        highlight_share: Of faces that are blurred in linear light, with highlights brighter than the image can hold
            (`snadnet.data.camera`), and clipped then.
        light_share: Of faces that are blurred in linear light and given in it, the sharp ones too: what a network sees
            that restores light (`snadnet.inference.light`).
        processing_share: Of faces that are smoothed and sharpened mildly after the noise.
        jpeg_share: Of faces that are compressed after blurring.
        jpeg_quality: Range of the quality.
        kernels: Trajectory kernels in the bank of each image size; as many motions of turning cameras, but no more
            than 1,000.
        kernel_seed: The bank's seed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    paper_share: float = Field(0.0, ge=0, le=1)
    sharp_share: float = Field(0.0, ge=0)
    linear_share: float = Field(0.0, ge=0)
    trajectory_share: float = Field(1.0, ge=0)
    rotating_share: float = Field(0.0, ge=0)
    smallest: int = Field(13, ge=1)
    largest: int = Field(29, ge=1)
    linear_length: float | None = Field(None, ge=1)
    linear_angle: float | None = None
    long_share: float = Field(0.0, ge=0, le=1)
    exposure: float = Field(1.0, gt=0, le=1)
    anxiety: tuple[float, float] = (0.005, 0.005)
    rotation: tuple[float, float] = (1.0, 4.0)
    noise: tuple[float, float] = (0.03, 0.03)
    noise_free_share: float = Field(0.0, ge=0, le=1)
    borders: Borders = Borders()
    defocus_share: float = Field(0.0, ge=0, le=1)
    defocus: tuple[float, float] = (0.5, 4.0)
    highlight_share: float = Field(0.0, ge=0, le=1)
    light_share: float = Field(0.0, ge=0, le=1)
    processing_share: float = Field(0.0, ge=0, le=1)
    jpeg_share: float = Field(0.0, ge=0, le=1)
    jpeg_quality: tuple[int, int] = (60, 95)
    kernels: int = Field(25_000, ge=1)
    kernel_seed: int = Field(0, ge=TRAINING_KERNEL_SEEDS.start, lt=TRAINING_KERNEL_SEEDS.stop)

    @model_validator(mode="after")
    def _check(self) -> "Degradation":
        if self.smallest > self.largest:
            raise ValueError(f"smallest blur {self.smallest} is over the largest {self.largest}")
        if not 0 <= self.rotation[0] <= self.rotation[1]:
            raise ValueError(f"rotation {self.rotation} is no range of angles from 0 up")
        if not 0 <= self.defocus[0] <= self.defocus[1]:
            raise ValueError(f"defocus {self.defocus} is no range of radii from 0 up")
        if not any(self.motion_shares.values()):
            raise ValueError("the shares of sharp, linear, trajectory and rotating are all zero")
        return self

    def extents(self, size: int) -> tuple[float, float]:
        """Return the least and the largest extent of the blur, in pixels of images of ``size`` px.

        The largest grows with the image up to what a kernel of `KERNEL_SIDE` holds.
        """
        scale = size / REFERENCE_SIZE
        most = max(min(self.largest * scale, KERNEL_SIDE - 2.0), self.smallest * scale)
        return self.smallest * scale, most

    @property
    def paper(self) -> "Degradation":
        """That of the paper's share."""
        return Degradation(kernels=self.kernels, kernel_seed=self.kernel_seed)

    @property
    def motion_shares(self) -> dict[str, float]:
        """How often each motion is drawn, relative to the others."""
        return {
            "none": self.sharp_share,
            "linear": self.linear_share,
            "trajectory": self.trajectory_share,
            "rotating": self.rotating_share,
        }


SHARP_ONLY = Degradation(sharp_share=1.0, trajectory_share=0.0, noise=(0.0, 0.0))
"""No degradation at all."""

_ANXIETY_STEPS = 8
_MOST_MOTIONS = 1000


@lru_cache(maxsize=8)
def kernel_bank(degradation: Degradation, size: int) -> tuple[NDArray[np.float32], ...]:
    """Return the trajectory kernels for images of ``size`` px; each ``(k, k)``, odd ``k``, sum 1."""
    rng = np.random.default_rng([degradation.kernel_seed, size])
    least, most = degradation.extents(size)
    extents = rng.uniform(least, most, degradation.kernels)
    if degradation.long_share:
        long = rng.random(degradation.kernels) < degradation.long_share
        extents[long] = (extents[long] + most) / 2
    sizes = [_odd(extent) for extent in extents]
    exposures = rng.uniform(degradation.exposure, 1.0, degradation.kernels)
    bank: list[NDArray[np.float32]] = []
    for step, (part, anxiety) in enumerate(_by_anxiety(degradation, degradation.kernels)):
        bank += trajectory_kernels(
            [sizes[i] for i in part],
            exposures=exposures[part].tolist(),
            anxiety=anxiety,
            seed=_further_seed(rng) if step else degradation.kernel_seed,
        )
    return tuple(bank)


@lru_cache(maxsize=2)
def motion_bank(degradation: Degradation) -> tuple[CameraMotion, ...]:
    """Return the motions of turning cameras; they are of no size, and serve images of every size."""
    rng = np.random.default_rng(degradation.kernel_seed)
    bank: list[CameraMotion] = []
    for part, anxiety in _by_anxiety(degradation, min(degradation.kernels, _MOST_MOTIONS)):
        bank += camera_motions(len(part), anxiety=anxiety, seed=_further_seed(rng))
    return tuple(bank)


def _by_anxiety(degradation: Degradation, count: int) -> list[tuple[NDArray[np.intp], float]]:
    """Share out the numbers of a bank among strengths of disturbance, evenly spaced by their logarithm.

    One call for kernels or motions takes one anxiety, so the range is walked in a few steps.
    """
    low, high = degradation.anxiety
    return [
        (part, low * (high / low) ** ((step + 0.5) / _ANXIETY_STEPS))
        for step, part in enumerate(np.array_split(np.arange(count), _ANXIETY_STEPS))
    ]


def _odd(extent: float) -> int:
    return max(2 * round((extent - 1) / 2) + 1, 3)


def _further_seed(rng: np.random.Generator) -> int:
    seed = int(rng.integers(2**31))
    # A draw in a million is a test kernel's seed.
    return seed - TEST_KERNEL_SEEDS.start if seed in TEST_KERNEL_SEEDS else seed


class Degraded(NamedTuple):
    """A degraded face.

    Attributes:
        image: ``(S, S, 3)`` float32, multiples of 1/255; their light if the face is given in light.
        sharp: ``(S, S, 3)`` float32, the sharp face, in light likewise.
        kernels: What the middles of its quarters were blurred with, ``(2, 2, 49, 49)`` float32, sum 1, their centre is
            the origin; one pixel if it was not blurred. What reaches beyond is cut off. They differ where the camera
            turned.
    """

    image: NDArray[np.float32]
    sharp: NDArray[np.float32]
    kernels: NDArray[np.float32]

    @property
    def kernel(self) -> NDArray[np.float32]:
        """The one kernel ``(49, 49)`` that is nearest to all quarters' own."""
        nearest: NDArray[np.float32] = self.kernels.mean(axis=(0, 1))
        return nearest


class DrawnBorder(NamedTuple):
    """The padding beyond the edges of one face.

    Attributes:
        kind: How the image goes on.
        margin: Pixels of surroundings on each side of the face, which belong to the image that is blurred.
    """

    kind: Border
    margin: int

    def inside(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the face alone, of ``(S, S)`` or ``(S, S, 3)``."""
        end = len(image) - self.margin
        return image[self.margin : end, self.margin : end]


MIRRORED: Final = DrawnBorder("reflect", 0)
"""The edges of the test protocols."""


def draw_border(degradation: Degradation, size: int, available: int, rng: np.random.Generator) -> DrawnBorder:
    """Draw what lies beyond the edges of a face.

    Args:
        degradation: The mixture to draw from.
        size: Side of the face in pixels.
        available: Side of the image that the face comes from.
        rng: Source of the draw.
    """
    kinds, shares = zip(*degradation.borders, strict=True)
    kind = kinds[int(rng.choice(len(kinds), p=np.array(shares) / sum(shares)))]
    if kind != "surroundings":
        return DrawnBorder(kind, 0)
    reach = math.ceil(degradation.extents(size)[1] / 2)
    return DrawnBorder("reflect", reach if size + 2 * reach <= available else 0)


def degrade(
    sharp: NDArray[np.float32],
    degradation: Degradation,
    rng: np.random.Generator,
    border: DrawnBorder = MIRRORED,
) -> Degraded:
    """Blur, add noise, compress and round a sharp face as a file would hold it.

    Args:
        sharp: ``(S, S, 3)`` float32 in ``[0, 1]``; the border's margin is part of it, and of nothing that is returned.
        degradation: The mixture to draw from.
        rng: Source of every draw.
        border: What lies beyond the edges.
    """
    if _drawn(degradation.paper_share, rng):
        degradation = degradation.paper
    bright = _drawn(degradation.highlight_share, rng)
    in_light = _drawn(degradation.light_share, rng)
    source = sharp
    if bright or in_light:
        source = unclip_highlights(sharp, draw_gain(rng) if bright else 1.0)
    blurred, kernels = _move(source, degradation, rng, border)
    if _drawn(degradation.defocus_share, rng):
        disc = disc_kernel(rng.uniform(*degradation.defocus) * (len(sharp) - 2 * border.margin) / REFERENCE_SIZE)
        blurred = apply_kernel(blurred, disc, border=border.kind)
        kernels = [convolved_kernel(kernel, disc) for kernel in kernels] or [disc]
    if bright or in_light:
        blurred = expose(blurred)
    blurred, sharp = border.inside(blurred), border.inside(sharp)
    sigma = rng.uniform(*degradation.noise)
    noisy = not degradation.noise_free_share or rng.random() >= degradation.noise_free_share
    if noisy and sigma > 0:
        blurred = add_noise(blurred, sigma, rng)
    if _drawn(degradation.processing_share, rng):
        blurred = process(blurred, rng)
    pixels = to_uint8(blurred)
    if _drawn(degradation.jpeg_share, rng):
        low, high = degradation.jpeg_quality
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=int(rng.integers(low, high + 1)))
        pixels = np.asarray(Image.open(file))
    image = to_float(pixels)
    if in_light:
        image, sharp = decode_srgb(image), decode_srgb(sharp)
    return Degraded(image, sharp, _placed(kernels))


def _drawn(share: float, rng: np.random.Generator) -> bool:
    """Whether this face is of a share; what never happens draws nothing."""
    return share > 0 and rng.random() < share


def _placed(kernels: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The kernels of the quarters, of one that is the same everywhere, or of none: ``(2, 2, 49, 49)``."""
    placed = np.stack([_in_the_middle(kernel) for kernel in kernels or [np.ones((1, 1), np.float32)]])
    return np.broadcast_to(placed, (4, *placed.shape[1:])).reshape(2, 2, *placed.shape[1:])


def _in_the_middle(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Put a kernel into the middle of one of `KERNEL_SIDE`."""
    too_large = [max(0, (side - KERNEL_SIDE) // 2) for side in kernel.shape]
    kept = kernel[too_large[0] : kernel.shape[0] - too_large[0], too_large[1] : kernel.shape[1] - too_large[1]]
    placed: NDArray[np.float32] = np.pad(kept, [((KERNEL_SIDE - side) // 2,) * 2 for side in kept.shape])
    placed /= placed.sum()
    return placed


def _move(
    sharp: NDArray[np.float32], degradation: Degradation, rng: np.random.Generator, border: DrawnBorder
) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
    """Draw a motion and blur by it; four kernels where the camera turned, none where nothing moved."""
    motions, shares = zip(*degradation.motion_shares.items(), strict=True)
    motion = motions[int(rng.choice(len(motions), p=np.array(shares) / sum(shares)))]
    size = sharp.shape[0] - 2 * border.margin
    if motion == "none":
        return sharp, []
    if motion == "linear":
        extent = rng.uniform(*degradation.extents(size))
        length = degradation.linear_length or max(1.0, extent)
        angle = rng.uniform(0.0, 180.0) if degradation.linear_angle is None else degradation.linear_angle
        kernel = linear_kernel(length, angle)
    elif motion == "trajectory":
        bank = kernel_bank(degradation, size)
        kernel = bank[int(rng.integers(len(bank)))]
    else:
        side = _odd(rng.uniform(*degradation.extents(size)))
        exposure = rng.uniform(degradation.exposure, 1.0)
        motions = motion_bank(degradation)
        camera = motions[int(rng.integers(len(motions)))]
        turn = rng.uniform(*degradation.rotation)
        blurred = blur_by_motion(sharp, camera, side, max_rotation_degrees=turn, exposure=exposure, border=border.kind)
        poses, offsets = camera.poses(side, exposure, turn), (-size / 4, size / 4)
        return blurred, [poses.kernel_at(right, down) for down in offsets for right in offsets]
    return apply_kernel(sharp, kernel, border=border.kind), [kernel]
