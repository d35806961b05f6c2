"""Perceptual losses by weights that the user brings, and what is said where they are not given."""

from collections.abc import Sequence
from pathlib import Path

import torch

from snadnet.losses.perceptual import FeatureExtractor, FeatureSource
from snadnet.training.config import StrictSettings


class PerceptualSettings(StrictSettings):
    """The network whose features are compared.

    Attributes:
        weights: Its weights file; without one the perceptual loss is left out, and the run says so.
    """

    weights: Path | None = None


def load_features(
    settings: PerceptualSettings, source: FeatureSource, indices: Sequence[int], device: torch.device
) -> FeatureExtractor | None:
    """Return the extractor on its device, or None where no weights are given.

    Raises:
        WeightsError: If the weights cannot be used.
    """
    if settings.weights is None:
        return None
    return FeatureExtractor(source, indices, settings.weights).to(device)


def left_out(source: FeatureSource, instead: str = "the other losses stay as they are") -> str:
    """Tell that a perceptual loss is left out."""
    return (
        f"note: the perceptual loss is left out, as perceptual.weights names no file of {source.title} "
        f"({source.origin}); {instead}"
    )
