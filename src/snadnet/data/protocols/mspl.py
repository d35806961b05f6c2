"""Unaligned faces as in MSPL-Random (Lee, Jung and Heo, IEEE Access 8, 2020)."""

from typing import Final

from snadnet.data.blurs import TrajectoryBlur
from snadnet.data.protocols.protocol import TEST_KERNEL_SEEDS, Protocol
from snadnet.data.unaligned import UnalignedView

MSPL: Final = Protocol(
    name="mspl",
    size=128,
    blur=TrajectoryBlur(sizes=tuple(range(13, 28, 2)), seeds=TEST_KERNEL_SEEDS),
    noise_sigma=0.0,
    seed=4_000_000_000,
    view=UnalignedView(),
)
"""Unaligned faces as in MSPL-Random: 128 px, kernels of 13 to 27 px, no noise.

The published set has 80 images each of CelebA, CelebA-HQ and FFHQ under 80 kernels each. These are other kernels (the
trajectories of the CelebA protocol), one for each image, and other views: how the published ones were drawn is not
said.
"""
