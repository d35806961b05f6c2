"""What befalls photos beside a motion of the camera; the paper has no such test."""

from typing import Final

from snadnet.data.blurs import PhotoBlur, TrajectoryBlur
from snadnet.data.protocols.protocol import TEST_KERNEL_SEEDS, Protocol

PHOTOS: Final = Protocol(
    name="photos",
    size=256,
    blur=PhotoBlur(TrajectoryBlur(sizes=tuple(range(5, 42, 4)), seeds=TEST_KERNEL_SEEDS), defocus=(0.8, 4.0)),
    noise_sigma=0.01,
    seed=5_000_000_000,
)
"""Camera paths of 5 to 41 px in linear light, highlights that clip, every second lens out of focus, a little noise."""
