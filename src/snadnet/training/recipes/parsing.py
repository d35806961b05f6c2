"""Stage I: a face parser, trained on sharp faces and then fine-tuned on blurred ones (paper, section II-A)."""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import torch
from accelerate import Accelerator
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.data.dataset import FaceSample
from snadnet.data.image_folder import FaceFile
from snadnet.errors import ConfigError, ModelError
from snadnet.faces.classes import CLASS_NAMES, NUM_CLASSES
from snadnet.losses import FocalLoss
from snadnet.models import list_models, read_model
from snadnet.models.bisenet import BiSeNet, load_imagenet_backbone
from snadnet.training.class_weights import count_class_weights
from snadnet.training.config import LabelledSettings
from snadnet.training.faces import check_labels, device_batches, fill_labels, training_and_validation_faces
from snadnet.training.recipes.base import Recipe, ValidationResult, initial_network
from snadnet.training.run import Run
from snadnet.training.validation import FixedFaces, validate_parsing


class ParsingSettings(LabelledSettings):
    """Training a face parser, or fine-tuning it on blurred faces.

    Attributes:
        backbone: File with ImageNet weights of ResNet-18 that the backbone starts from; needs a parser of full width.
        gamma: Of the focal loss (Eq. 2); 0 is cross entropy.
        alpha: Its weight of each class (``alpha_t``); ``counted`` for those of the training faces' label maps, see
            `snadnet.training.class_weights`; all one if left out.
    """

    recipe: Literal["parsing"] = "parsing"
    backbone: Path | None = None
    gamma: float = Field(2.0, ge=0)
    alpha: Literal["counted"] | Annotated[list[float], Field(min_length=NUM_CLASSES, max_length=NUM_CLASSES)] | None = (
        None
    )


class ParsingRecipe(Recipe[ParsingSettings, FaceSample]):
    """The focal loss of the main head and of both auxiliary heads, each with weight 1."""

    settings_type = ParsingSettings

    def __init__(self, settings: ParsingSettings, accelerator: Accelerator) -> None:
        super().__init__(settings, accelerator)
        self.label_parser: nn.Module | None = None
        if settings.label_parser is not None:
            self.label_parser = read_model(settings.label_parser).to(self.device)
        weights = self._counted_weights() if settings.alpha == "counted" else settings.alpha
        alpha = None if weights is None else torch.tensor(weights, dtype=torch.float32, device=self.device)
        self.criterion = FocalLoss(settings.gamma, alpha=alpha)

    @classmethod
    def check_model(cls, settings: ParsingSettings) -> None:
        """Refuse what is no parser."""
        if settings.model not in list_models("parsing"):
            raise ModelError(f"'{settings.model}' is no parser; choose one of: {', '.join(list_models('parsing'))}")

    @classmethod
    def check_faces(cls, settings: ParsingSettings, training: list[FaceFile], held_out: list[FaceFile]) -> None:
        """Refuse faces without label maps, to validate on or, without a parser to label them, to train on."""
        if any(face.labels is None for face in held_out):
            raise ConfigError("data.sources.0.labels: the first source is validated on and needs label maps")
        check_labels(settings, training)

    def build(self) -> nn.Module:
        """Build the parser, with its backbone's weights if they are given."""
        parser = initial_network(self.settings, BiSeNet)
        if self.settings.backbone is not None:
            if self.settings.initial is not None:
                raise ConfigError("backbone: initial holds a backbone already; leave out one of them")
            load_imagenet_backbone(parser, self.settings.backbone)
        return parser

    def _counted_weights(self) -> list[float]:
        weights, count = count_class_weights(training_and_validation_faces(self.settings.data)[0])
        each = ", ".join(f"{name} {weight:.3g}" for name, weight in zip(CLASS_NAMES, weights, strict=True))
        self.remarks.append(f"class weights (alpha), counted on {count} label maps: {each}")
        return [float(weight) for weight in weights]

    def batches(self, faces: list[FaceFile], run: Run) -> Generator[FaceSample, None, None]:
        """Yield faces on the device, from the run's step on, without end.

        Raises:
            DataError: If a face cannot be read.
        """
        return device_batches(faces, self.settings, self.accelerator, run.step)

    def training_step(self, batch: FaceSample, progress: float) -> dict[str, Tensor]:
        """Parse the blurred faces and compare every head with the classes of the sharp ones."""
        labels = batch.labels
        if self.label_parser is not None:
            with torch.no_grad():
                labels = fill_labels(labels, self.label_parser(batch.sharp).argmax(dim=1))
        heads = self.trained(batch.blurred)
        return {"loss": torch.stack([self.criterion(head, labels_at(labels, head)) for head in heads]).sum()}

    def validate(self, average: nn.Module, faces: Sequence[FixedFaces]) -> ValidationResult:
        """Score the maps of blurred faces by mean IoU, left and right merged."""
        batch_size = self.settings.validation.batch_size
        scores = validate_parsing(average, faces, batch_size=batch_size, device=self.device)
        return ValidationResult(scores, ", ".join(f"{name} {score:.4f}" for name, score in scores.items()))


def labels_at(labels: Tensor, logits: Tensor) -> Tensor:
    """Pick the labels ``(B, H, W)`` that lie nearest to the pixels of logits ``(B, 19, h, w)``."""
    if labels.shape[1:] == logits.shape[2:]:
        return labels
    picked = F.interpolate(labels.unsqueeze(1).float(), size=logits.shape[2:], mode="nearest-exact")
    return picked.squeeze(1).long()
