"""The paper's two protocols (section III-A; docs/research/paper.md, Blur), and the one without any blur."""

from dataclasses import replace
from typing import Final

from snadnet.data.blurs import LinearBlur, TrajectoryBlur
from snadnet.data.protocols.protocol import TEST_KERNEL_SEEDS, Protocol

PATHS: Final = TrajectoryBlur(sizes=tuple(range(13, 30, 2)), seeds=TEST_KERNEL_SEEDS)
"""The test kernels: camera paths of 13 to 29 px."""

CELEBA: Final = Protocol(name="celeba", size=160, blur=PATHS, noise_sigma=0.03, seed=3_000_000_000)
"""The paper's CelebA protocol: camera-trajectory kernels, odd sizes 13 to 29, with noise."""

CELEBA_CANVAS: Final = replace(CELEBA, name="celeba-canvas", blur=replace(PATHS, placement="canvas"))
"""The other reading of those sizes (docs/research/paper.md, Blur): they are the canvas's, and blur far less."""

CELEBA_NOISELESS: Final = replace(CELEBA, name="celeba-noiseless", noise_sigma=0.0)
"""The same blur without noise: what photos in good light come close to."""

CELEBA_HQ: Final = Protocol(name="celeba-hq", size=256, blur=LinearBlur(length=25, angle=45), noise_sigma=0.0, seed=0)
"""The paper's CelebA-HQ protocol: one linear kernel, no noise."""

SHARP: Final = Protocol(name="sharp", size=256, blur=None, noise_sigma=0.0, seed=0)
"""No blur at all: what a method does to a face that was sharp already."""
