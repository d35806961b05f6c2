"""UMSN (Yasarla et al. 2020): a confidence-guided loss on four face classes; all of its networks learn together."""

from typing import Final, Literal

import torch
from accelerate import Accelerator
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.data.dataset import FaceSample
from snadnet.data.image_folder import FaceFile
from snadnet.faces.classes import REGIONS
from snadnet.losses import RegionWeights, confidence_guided_loss, confidence_penalty, slope_loss
from snadnet.losses.perceptual import VGG_FACE
from snadnet.losses.pixel import l1_loss
from snadnet.models.umsn import UMSN, UMSNOutput
from snadnet.training.config import LabelledSettings, StrictSettings
from snadnet.training.faces import check_labels
from snadnet.training.recipes.base import DeblurringRecipe, initial_network
from snadnet.training.recipes.perceptual import PerceptualSettings, left_out, load_features
from snadnet.training.recipes.regions import RegionFinder

CLASSES: Final = ("back", "skin", "facial", "hair")
"""The regions that UMSN's four maps stand for; the release gives its third map three times the weight of the others."""

_ORDER: Final = [list(REGIONS).index(name) for name in CLASSES]
_VGG_LAYERS: Final = (3, 8, 29)
"""The ReLUs that end VGG-Face's first two blocks and its last, in torchvision's counting."""


class LossWeights(StrictSettings):
    """Weights of the losses, as the authors' program has them.

    That program feeds VGG-Face images in [-1, 1]. Here it sees what it was trained on, values up to 255, and its error
    is 127.5 times as large for that; its weight is 1.8e-4 / 127.5, which keeps the published balance.

    Attributes:
        deblurring: Of all that follow but the last.
        classes: Error within each class.
        half: Error of the image at half size.
        confidence: Of the penalty on low confidences.
        slopes, slopes_half: Error of the differences between neighbours, at full and half size.
        perceptual: Error of VGG-Face's features.
        perceptual_half: The same at half size, beside that at full size.
        segmentation: Of the class maps, by cross entropy; half as much again for those at half size.
    """

    deblurring: float = Field(2.0, ge=0)
    classes: RegionWeights = RegionWeights(skin=1.2, facial=3.6, hair=1.2, back=1.2)
    half: float = Field(0.33, ge=0)
    confidence: float = Field(0.015, ge=0)
    slopes: float = Field(0.15, ge=0)
    slopes_half: float = Field(0.08, ge=0)
    perceptual: float = Field(1.4e-6, ge=0)
    perceptual_half: float = Field(0.33, ge=0)
    segmentation: float = Field(3.2, ge=0)


class UMSNSettings(LabelledSettings):
    """Training UMSN.

    Attributes:
        losses: Their weights.
        perceptual: VGG-Face.
    """

    recipe: Literal["umsn"] = "umsn"
    losses: LossWeights = LossWeights()
    perceptual: PerceptualSettings = PerceptualSettings()


class UMSNRecipe(DeblurringRecipe[UMSNSettings]):
    """True classes weigh the errors and teach the segmentation network, whose maps guide the deblurring network."""

    settings_type = UMSNSettings

    def __init__(self, settings: UMSNSettings, accelerator: Accelerator) -> None:
        super().__init__(settings, accelerator)
        self.regions = RegionFinder(settings, self.device)
        self.class_weights = [getattr(settings.losses.classes, name) for name in CLASSES]
        self.features = load_features(settings.perceptual, VGG_FACE, _VGG_LAYERS, self.device)
        if self.features is None:
            self.remarks.append(left_out(VGG_FACE))

    @classmethod
    def check_faces(cls, settings: UMSNSettings, training: list[FaceFile], held_out: list[FaceFile]) -> None:
        """Refuse faces to train on without label maps, unless there is a parser to label them."""
        check_labels(settings, training)

    def build(self) -> nn.Module:
        """Build UMSN; what draws the first stage's own images, which no loss compares, does not learn."""
        network = initial_network(self.settings, UMSN)
        for stream in network.deblurring.streams:
            for part in (stream.image_features, stream.refine_input, stream.refine, stream.output_head):
                part.requires_grad_(False)
        return network

    def training_step(self, batch: FaceSample, progress: float) -> dict[str, Tensor]:
        """Run all three networks and compare at both sizes."""
        weights = self.settings.losses
        masks = self.regions(batch)[:, _ORDER]
        sharp = self.values.from_unit(batch.sharp)
        # As the network halves the blurred image.
        sharp_half, masks_half = (F.interpolate(part, scale_factor=0.5) for part in (sharp, masks))
        output: UMSNOutput = self.trained(self.values.from_unit(batch.blurred), sharp)
        assert output.confidences is not None

        guided = confidence_guided_loss(output.restored, sharp, masks, output.confidences, self.class_weights)
        half = l1_loss(output.restored_half_res, sharp_half)
        confidence = confidence_penalty(output.confidences)
        slopes = weights.slopes * slope_loss(output.restored, sharp)
        slopes = slopes + weights.slopes_half * slope_loss(output.restored_half_res, sharp_half)
        deblurring = guided + weights.half * half + weights.confidence * confidence + slopes
        segmentation = _map_loss(output.maps, masks) + 0.5 * _map_loss(output.maps_half_res, masks_half)
        values = {"guided": guided, "half": half, "confidence": confidence, "slopes": slopes}
        if self.features is not None:
            values["perceptual"] = self._perceptual(output, sharp, sharp_half)
            deblurring = deblurring + weights.perceptual * values["perceptual"]
        total = weights.deblurring * deblurring + weights.segmentation * segmentation
        return {"loss": total, **values, "segmentation": segmentation}

    def _perceptual(self, output: UMSNOutput, sharp: Tensor, sharp_half: Tensor) -> Tensor:
        full = self._feature_errors(output.restored, sharp)
        half = self._feature_errors(output.restored_half_res, sharp_half)
        # The last block's features are compared at full size only.
        return torch.stack(full).sum() + self.settings.losses.perceptual_half * torch.stack(half[:2]).sum()

    def _feature_errors(self, restored: Tensor, sharp: Tensor) -> list[Tensor]:
        assert self.features is not None
        pair = (self.features(self.values.to_unit(image)) for image in (restored, sharp))
        return [F.l1_loss(first, second) for first, second in zip(*pair, strict=True)]


def _map_loss(maps: Tensor, masks: Tensor) -> Tensor:
    """Mean cross entropy of class maps against masks ``(B, 4, H, W)``, over the pixels whose class is known."""
    known = masks.sum(dim=1, keepdim=True)
    entropy = F.binary_cross_entropy(maps, masks, reduction="none")
    return (entropy * known).sum() / (known.sum() * maps.shape[1]).clamp_min(1.0)
