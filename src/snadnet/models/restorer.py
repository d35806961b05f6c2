"""The one interface of all deblurring networks: RGB in [0, 1] of any size in, the same out."""

from torch import Tensor, nn

from snadnet.models.descriptor import ModelDescriptor
from snadnet.models.padding import pad_to_rule


class Restorer(nn.Module):
    """A deblurring network with what surrounds it: range mapping, padding by reflection, cropping.

    Training, export and weights files work with the network itself, ``core``.

    Args:
        core: what ``descriptor.build`` makes.
        descriptor: says the sizes and values that ``core`` works on.
    """

    def __init__(self, core: nn.Module, descriptor: ModelDescriptor) -> None:
        super().__init__()
        self.core = core
        self.descriptor = descriptor

    def forward(self, blurred: Tensor) -> Tensor:
        """Restore ``(B, 3, H, W)`` RGB in ``[0, 1]``, any size from 32 px, to the same shape.

        In evaluation mode the result is clamped to ``[0, 1]``; in training mode it is not, as a clamp has no gradient.

        Raises:
            ModelError: if a side is under 32 px.
        """
        height, width = blurred.shape[-2:]
        values = self.descriptor.values
        output = self.core(values.from_unit(pad_to_rule(blurred, self.descriptor.size)))
        restored: Tensor = output if isinstance(output, Tensor) else output.restored
        restored = values.to_unit(restored[..., :height, :width])
        return restored if self.training else restored.clamp(0.0, 1.0)
