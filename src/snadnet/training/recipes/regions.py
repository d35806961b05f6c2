"""The regions of training faces, from label maps or from a sharp-face parser."""

import torch
from torch import Tensor, nn

from snadnet.data.dataset import FaceSample
from snadnet.losses import region_masks
from snadnet.models import read_model
from snadnet.training.config import LabelledSettings
from snadnet.training.faces import fill_labels


class RegionFinder:
    """Finds the regions of sharp faces: by true labels where known, else by the sharp-face parser.

    Raises:
        WeightsError: If the parser's weights cannot be used.
    """

    def __init__(self, settings: LabelledSettings, device: torch.device) -> None:
        self.parser: nn.Module | None = None
        if settings.label_parser is not None:
            self.parser = read_model(settings.label_parser).to(device)

    @torch.no_grad()
    def __call__(self, batch: FaceSample) -> Tensor:
        """Return the masks ``(B, 4, H, W)`` of a batch, in the order of ``REGIONS``."""
        labels = batch.labels
        if self.parser is not None:
            labels = fill_labels(labels, self.parser(batch.sharp).argmax(dim=1))
        return region_masks(labels)
