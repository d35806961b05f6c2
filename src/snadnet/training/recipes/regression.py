"""Regression: pixel losses alone, as NAFNet, DMPHN and MPRNet are trained; good for any network but SNADNet."""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from snadnet.data.dataset import FaceSample
from snadnet.errors import ModelError
from snadnet.losses import PIXEL_LOSSES
from snadnet.models.mprnet import MPRNetOutput
from snadnet.models.snadnet import SNADNet
from snadnet.training.config import DeblurringSettings
from snadnet.training.recipes.base import Recipe, initial_network
from snadnet.training.run import Run

PixelLoss = Literal["l1", "mse", "charbonnier", "edge", "psnr"]


class RegressionSettings(DeblurringSettings):
    """Training by pixel losses.

    Attributes:
        losses: weight of each loss, by name in :data:`snadnet.losses.PIXEL_LOSSES`.
    """

    recipe: Literal["regression"] = "regression"
    losses: dict[PixelLoss, float] = Field(min_length=1)


class RegressionRecipe(Recipe[RegressionSettings]):
    """A weighted sum of pixel losses, on pictures in ``[0, 1]``; MPRNet is supervised at each of its three stages."""

    settings_type = RegressionSettings

    def build(self) -> nn.Module:
        """Build any deblurring network but SNADNet, whose parser has a stage of its own."""
        network = initial_network(self.settings, nn.Module)
        if isinstance(network, SNADNet):
            raise ModelError(f"the recipe 'regression' does not train '{self.settings.model}'; take 'snadnet'")
        return network

    def losses(self, batch: FaceSample, run: Run, share: float) -> dict[str, Tensor]:
        """Compare what the network restores with the sharp faces."""
        pictures = [self.values.to_unit(part) for part in _pictures(self.trained(self.values.from_unit(batch.blurred)))]
        parts: dict[str, Tensor] = {
            name: sum((PIXEL_LOSSES[name](picture, batch.sharp) for picture in pictures), batch.sharp.new_zeros(()))
            for name in self.settings.losses
        }
        total = sum((weight * parts[name] for name, weight in self.settings.losses.items()), batch.sharp.new_zeros(()))
        return {"loss": total, **parts}


def _pictures(output: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The full-size pictures that a network is to get right."""
    if isinstance(output, Tensor):
        return (output,)
    return tuple(output) if isinstance(output, MPRNetOutput) else (output.restored,)  # type: ignore[attr-defined]
