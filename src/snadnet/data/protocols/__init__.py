"""The protocols: test conditions under which a sharp face becomes the blurred one that is scored.

A new protocol is a value in a file of its own, and one line in `PROTOCOLS`; commands, configurations and test
sets know it by its name from there.
"""

from typing import Final

from snadnet.data.protocols.mspl import MSPL
from snadnet.data.protocols.paper import CELEBA, CELEBA_CANVAS, CELEBA_HQ, CELEBA_NOISELESS, SHARP
from snadnet.data.protocols.photos import PHOTOS
from snadnet.data.protocols.protocol import (
    TEST_KERNEL_SEEDS,
    TRAINING_KERNEL_SEEDS,
    Protocol,
    blurred_pair,
    recorded,
    sharp_face,
    sharp_labels,
)
from snadnet.data.protocols.rotating import ROTATING

__all__ = [
    "CELEBA",
    "CELEBA_CANVAS",
    "CELEBA_HQ",
    "CELEBA_NOISELESS",
    "MSPL",
    "PHOTOS",
    "PROTOCOLS",
    "ROTATING",
    "SHARP",
    "TEST_KERNEL_SEEDS",
    "TRAINING_KERNEL_SEEDS",
    "Protocol",
    "blurred_pair",
    "recorded",
    "sharp_face",
    "sharp_labels",
]

PROTOCOLS: Final = {
    protocol.name: protocol
    for protocol in (CELEBA, CELEBA_CANVAS, CELEBA_NOISELESS, CELEBA_HQ, SHARP, ROTATING, PHOTOS, MSPL)
}
"""The protocols by name."""
