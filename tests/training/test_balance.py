"""Weights of terms whose scale differs from the authors' programs: they keep the published balance, by hand."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from snadnet.losses.perceptual import VGG_19, VGG_FACE, FeatureSource
from snadnet.models.descriptor import SIGNED
from snadnet.training import load_settings
from snadnet.training.recipes.deblurgan import DeblurGANSettings
from snadnet.training.recipes.deblurganv2 import LossWeights as DeblurGANv2Weights
from snadnet.training.recipes.umsn import LossWeights as UMSNWeights

CONFIGS = Path(__file__).parents[2] / "configs"

SHARP = torch.full((1, 3, 4, 4), 0.25)
RESTORED = SHARP + 0.1
"""Two flat images in [0, 1], a tenth apart."""


def normalized(images: Tensor, source: FeatureSource) -> Tensor:
    """Records the input of a feature network."""
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (source.mean, source.deviation))
    return (images - mean) / deviation


def test_umsn_with_features_that_are_the_image_itself() -> None:
    """The authors' program feeds [-1, 1] and weighs by 1.8e-4: a tenth is 0.2 there, and 25.5 of 255 here."""
    published = 1.8e-4 * nn.functional.l1_loss(SIGNED.from_unit(RESTORED), SIGNED.from_unit(SHARP))
    ours = nn.functional.l1_loss(normalized(RESTORED, VGG_FACE), normalized(SHARP, VGG_FACE))
    assert ours.item() == pytest.approx(25.5, rel=1e-4)
    assert UMSNWeights().perceptual * ours.item() == pytest.approx(published.item(), rel=0.02)


def test_deblurganv2_s_pixels() -> None:
    """The authors' program compares pixels after ImageNet's normalization, and weighs by 0.5."""
    published = 0.5 * nn.functional.mse_loss(normalized(RESTORED, VGG_19), normalized(SHARP, VGG_19))
    ours = nn.functional.mse_loss(SIGNED.from_unit(RESTORED), SIGNED.from_unit(SHARP))
    assert ours.item() == pytest.approx(0.04, rel=1e-4)
    assert DeblurGANv2Weights().pixels * ours.item() == pytest.approx(published.item(), rel=0.01)


def test_deblurgan_with_features_that_are_the_image_itself() -> None:
    """The authors' program feeds [-1, 1] and weighs by 100.

    The factor is 4.9 for features that are linear in the image, and 5.3 for those of VGG-19, by which the weight goes.
    """
    published = 100 * nn.functional.mse_loss(SIGNED.from_unit(RESTORED), SIGNED.from_unit(SHARP))
    ours = nn.functional.mse_loss(normalized(RESTORED, VGG_19), normalized(SHARP, VGG_19))
    weight = DeblurGANSettings.model_fields["content"].default
    assert weight * ours.item() == pytest.approx(published.item(), rel=0.08)


@pytest.mark.parametrize(
    ("name", "part", "field", "default"),
    [
        ("umsn/paper", "losses", "perceptual", UMSNWeights().perceptual),
        ("deblurganv2/inception-paper", "losses", "pixels", DeblurGANv2Weights().pixels),
        ("deblurganv2/mobilenet-paper", "losses", "pixels", DeblurGANv2Weights().pixels),
        ("deblurgan/paper", None, "content", DeblurGANSettings.model_fields["content"].default),
    ],
)
def test_the_papers_configurations_have_these_weights(name: str, part: str | None, field: str, default: float) -> None:
    settings = load_settings(CONFIGS / f"{name}.yaml").model_dump()
    assert (settings if part is None else settings[part])[field] == default
