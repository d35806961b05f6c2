"""Blind Wiener deconvolution: the kernel's estimate is compared with the true kernel, the image with the sharp."""

import copy
from collections.abc import Callable
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.data.dataset import FaceSample
from snadnet.losses import PIXEL_LOSSES
from snadnet.models.wiener import BlindWiener, KernelEstimate, deconvolve, halve_kernel
from snadnet.training.config import RunSettings
from snadnet.training.recipes.base import DeblurringRecipe, initial_network


class WienerSettings(RunSettings):
    """Training the estimator of blind deconvolution.

    Attributes:
        image_start: Fraction of the training after which the image counts too, not the kernel alone. Deconvolution
            costs more than the estimator, and what it says of a poor kernel is worth little.
        image_weight: Of the L1 distance of the deconvolved image from the sharp one, both at half resolution;
            the Kullback-Leibler divergence of the estimated kernel from the true one has weight 1.
    """

    recipe: Literal["wiener"] = "wiener"
    image_start: float = Field(0.5, ge=0, le=1)
    image_weight: float = Field(20.0, ge=0)


class WienerRecipe(DeblurringRecipe[WienerSettings]):
    """Supervised by kernels, then by images through the deconvolution too, which has no weights of its own."""

    settings_type = WienerSettings

    def build(self) -> nn.Module:
        """Build the estimator, and keep the whole network."""
        self.whole = initial_network(self.settings, BlindWiener)
        return self.whole.estimator

    def training_step(self, batch: FaceSample, progress: float) -> dict[str, Tensor]:
        """Compare kernels, and later images, at half resolution."""
        half = F.avg_pool2d(batch.blurred, 2)
        estimate: KernelEstimate = self.trained(half)
        kernel = kernel_divergence(estimate.log_kernel, halve_kernel(batch.kernel))
        if progress < self.settings.image_start:
            # Processes that train together wait for a gradient of every weight: one of zero for the regularization's.
            return {"loss": kernel + 0 * estimate.regularization.sum(), "kernel": kernel}
        deconvolved = deconvolve(half, estimate.kernel, estimate.regularization.unsqueeze(1))
        image = PIXEL_LOSSES["l1"](deconvolved, F.avg_pool2d(batch.sharp, 2))
        return {"loss": kernel + self.settings.image_weight * image, "kernel": kernel, "image": image}

    def restorer(self, average: nn.Module) -> Callable[[Tensor], Tensor]:
        """Restore with the averaged estimator."""
        whole = self.released(average)

        def restore(blurred: Tensor) -> Tensor:
            with torch.no_grad():
                restored: Tensor = whole(blurred).restored
            return restored

        return restore

    def released(self, average: nn.Module) -> nn.Module:
        """Return the whole network with the averaged estimator."""
        whole = copy.deepcopy(self.whole)
        whole.estimator.load_state_dict(average.state_dict())
        return whole.eval()


def kernel_divergence(log_estimate: Tensor, true: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence in nats, averaged over kernels ``(B, K, K)`` with sum 1."""
    return F.kl_div(log_estimate.flatten(1), true.flatten(1), reduction="batchmean")
