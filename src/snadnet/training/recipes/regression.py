"""Regression: pixel losses alone, as NAFNet, DMPHN and MPRNet are trained; good for any network but SNADNet."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from torch import Tensor, nn

from snadnet.data.dataset import FaceSample
from snadnet.errors import ModelError
from snadnet.losses import PIXEL_LOSSES
from snadnet.models.restorer import supervised_images
from snadnet.models.snadnet import SNADNet
from snadnet.training.config import RunSettings
from snadnet.training.recipes.base import DeblurringRecipe, initial_network


def _known(name: str) -> str:
    if name not in PIXEL_LOSSES:
        raise ValueError(f"there is no pixel loss {name!r}; choose of: {', '.join(PIXEL_LOSSES)}")
    return name


class RegressionSettings(RunSettings):
    """Training by pixel losses.

    Attributes:
        losses: Weight of each loss, by name in `snadnet.losses.PIXEL_LOSSES`.
    """

    recipe: Literal["regression"] = "regression"
    losses: dict[Annotated[str, AfterValidator(_known)], float] = Field(min_length=1)


class RegressionRecipe(DeblurringRecipe[RegressionSettings]):
    """A weighted sum of pixel losses on images in [0, 1], over every image that the network is supervised by."""

    settings_type = RegressionSettings

    def build(self) -> nn.Module:
        """Build any deblurring network but SNADNet, whose parser has a stage of its own."""
        network = initial_network(self.settings, nn.Module)
        if isinstance(network, SNADNet):
            raise ModelError(f"the recipe 'regression' does not train '{self.settings.model}'; take 'snadnet'")
        return network

    def training_step(self, batch: FaceSample, progress: float) -> dict[str, Tensor]:
        """Compare what the network restores with the sharp faces."""
        output = self.trained(self.values.from_unit(batch.blurred))
        images = [self.values.to_unit(image) for image in supervised_images(output)]
        parts: dict[str, Tensor] = {
            name: sum((PIXEL_LOSSES[name](image, batch.sharp) for image in images), batch.sharp.new_zeros(()))
            for name in self.settings.losses
        }
        total = sum((weight * parts[name] for name, weight in self.settings.losses.items()), batch.sharp.new_zeros(()))
        return {"loss": total, **parts}
