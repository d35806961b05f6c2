"""A camera that also turns about its axis; the paper has no such test."""

from typing import Final

from snadnet.data.blurs import RotatingBlur
from snadnet.data.protocols.paper import PATHS
from snadnet.data.protocols.protocol import Protocol

ROTATING: Final = Protocol(
    name="rotating", size=160, blur=RotatingBlur(PATHS, rotation=3.0), noise_sigma=0.03, seed=3_000_000_000
)
"""The CelebA protocol with a camera that also rotates about its axis."""
