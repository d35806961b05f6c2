"""The one interface of all deblurring networks: RGB in [0, 1] of any size in, the same out."""

from typing import NamedTuple

from torch import Tensor, nn

from snadnet.models.descriptor import ModelDescriptor
from snadnet.models.layers.padding import pad_to_rule
from snadnet.size_rule import unpadded


class Restored(NamedTuple):
    """A batch that was restored.

    Attributes:
        restored: ``(B, 3, H, W)``, clamped to ``[0, 1]`` in evaluation mode.
        parsing: Class probabilities ``(B, 19, H, W)``, or of half the height and width, rounded up; None where the
            network parses no faces.
        kernel: The kernels by which the network explains the blur, ``(B, K, K)``, sum 1, ``K`` odd, in pixels of the
            image; None where it estimates none.
    """

    restored: Tensor
    parsing: Tensor | None
    kernel: Tensor | None


class Restorer(nn.Module):
    """A deblurring network with what surrounds it: range mapping, padding by reflection, cropping.

    Training and weights files work with the network itself, ``core``.

    Args:
        core: What ``descriptor.build`` makes.
        descriptor: Says the sizes and values that ``core`` works on.
    """

    def __init__(self, core: nn.Module, descriptor: ModelDescriptor) -> None:
        super().__init__()
        self.core = core
        self.descriptor = descriptor

    def forward(self, blurred: Tensor) -> Tensor:
        """Restore ``(B, 3, H, W)`` RGB in ``[0, 1]``, any size from 32 px, to the same shape.

        In evaluation mode the result is clamped to ``[0, 1]``; in training mode it is not, as a clamp has no gradient.

        Raises:
            ModelError: If a side is under 32 px.
        """
        return self.restore(blurred).restored

    def restore(self, blurred: Tensor) -> Restored:
        """As ``forward``, with the parsing map and the kernel of a network that makes them.

        Raises:
            ModelError: If a side is under 32 px.
        """
        padded = pad_to_rule(blurred, self.descriptor.size)
        restored, parsing, kernel = self.restore_unpadded(padded)

        def cut(made: Tensor) -> Tensor:
            sides = zip(blurred.shape[-2:], padded.shape[-2:], made.shape[-2:], strict=True)
            height, width = (unpadded(*each) for each in sides)
            return made[..., :height, :width]

        return Restored(cut(restored), None if parsing is None else cut(parsing), kernel)

    def restore_unpadded(self, blurred: Tensor) -> Restored:
        """As ``restore``, for a size that the network takes: what an exported graph computes."""
        values = self.descriptor.values
        output = self.core(values.from_unit(blurred))
        restored = values.to_unit(output if isinstance(output, Tensor) else output.restored)
        return Restored(
            restored if self.training else restored.clamp(0.0, 1.0),
            getattr(output, "parsing", None),
            getattr(output, "full_size_kernel", None),
        )


def supervised_images(output: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return the full-size images that training compares with the sharp one, of a network's output.

    Args:
        output: An image, or a named tuple: its ``supervised``, if it has that, else its ``restored``.

    Returns:
        Images ``(B, 3, H, W)`` in the network's own range.
    """
    if isinstance(output, Tensor):
        return (output,)
    images: tuple[Tensor, ...] = getattr(output, "supervised", None) or (output.restored,)  # type: ignore[attr-defined]
    return images
