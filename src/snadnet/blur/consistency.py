"""How well a restored image explains the blurred one: what is left of it, beside the noise that it has.

A restored image that is right, blurred by a kernel that is right, leaves nothing but noise. One that leaves more has
the kernel or the image wrong, or was not blurred alike everywhere; one that leaves no more may still be wrong in what
the blur took away, of which the blurred image says nothing.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snadnet.blur.convolution import apply_kernel
from snadnet.blur.noise import noise_level
from snadnet.srgb import decode_srgb, encode_srgb

_LEAST_SIDE: Final = 8


class Consistency(NamedTuple):
    """What a restored image leaves unexplained; both of the range of values, ``[0, 1]``.

    Attributes:
        unexplained: Root mean square of the blurred image less the restored one, blurred.
        noise: Standard deviation of the blurred image's noise.
    """

    unexplained: float
    noise: float

    @property
    def excess(self) -> float:
        """What is unexplained and no noise, root mean square."""
        return math.sqrt(max(self.unexplained**2 - self.noise**2, 0.0))


def measure_consistency(
    restored: NDArray[np.float32],
    blurred: NDArray[np.float32],
    kernel: NDArray[np.float32],
    *,
    in_light: bool = False,
    spacing: int = 1,
) -> Consistency:
    """Blur a restored image again and compare it with what was given.

    Half of the borders that the kernel reaches over is left out: what lay beyond them is not known.

    Args:
        restored: ``(H, W, 3)`` float32 sRGB, about ``[0, 1]``.
        blurred: The same shape.
        kernel: ``(K, K)``, sum 1, ``K`` odd; its centre is the origin.
        in_light: Whether the kernel blurs the images' light, and not their values.
        spacing: As for `noise_level`.

    Raises:
        ValueError: If a shape is wrong or a value is not finite.
    """
    if restored.shape != blurred.shape:
        raise ValueError(f"the restored image is {restored.shape}, the blurred one {blurred.shape}")
    seen = decode_srgb(restored) if in_light else restored
    again = apply_kernel(seen, kernel, border="reflect")
    left = blurred - (encode_srgb(again) if in_light else again)
    edge = max(min(len(kernel) // 4, (min(left.shape[:2]) - _LEAST_SIDE) // 2), 0)
    left = left[edge : left.shape[0] - edge, edge : left.shape[1] - edge]
    return Consistency(float(np.sqrt(np.mean(np.square(left)))), noise_level(blurred, spacing=spacing))
