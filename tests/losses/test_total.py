import pytest
import torch

from snadnet.errors import ConfigError
from snadnet.losses import (
    GENERATOR_TERMS,
    PIXEL_LOSSES,
    AdversarialScores,
    AdversarialWeights,
    GeneratorLoss,
    GeneratorOutcome,
    GeneratorTerm,
    RegionReconstructionLoss,
    RegionWeights,
    TextureLoss,
    generator_loss,
    region_masks,
)
from snadnet.models.snadnet.discriminator import DiscriminatorOutput, MultiPatchDiscriminator


def scores(level: float) -> DiscriminatorOutput:
    small, medium, large = (torch.full((2, 1, side, side), level) for side in (8, 4, 2))
    return DiscriminatorOutput((small, medium, large), torch.full((2, 1), level))


def example():
    generator = torch.Generator().manual_seed(8)
    restored, sharp = torch.rand(2, 2, 3, 8, 8, generator=generator)
    masks = region_masks(torch.randint(0, 19, (2, 8, 8), generator=generator))
    textures = [torch.randn(2, 3, side, side, generator=generator) for side in (8, 4)]
    return restored, sharp, masks, textures


def test_the_paper_weights_of_equation_15():
    restored, sharp, masks, textures = example()
    judged = AdversarialScores(fake=scores(0.3), real=scores(-0.4))
    parts = GeneratorLoss()(GeneratorOutcome(restored, sharp, masks, textures, judged))
    torch.testing.assert_close(parts.terms["reconstruction"], RegionReconstructionLoss()(restored, sharp, masks))
    torch.testing.assert_close(parts.terms["adversarial"], generator_loss(judged.fake, judged.real))
    torch.testing.assert_close(parts.terms["texture"], TextureLoss()(textures, sharp))
    torch.testing.assert_close(
        parts.total, 120 * parts.terms["reconstruction"] + 0.1 * parts.terms["adversarial"] + parts.terms["texture"]
    )


def test_own_weights():
    restored, sharp, masks, textures = example()
    loss = GeneratorLoss(
        {"reconstruction": 2, "adversarial": 3, "texture": 5},
        region_weights=RegionWeights(skin=1, facial=1, hair=1, back=1),
        adversarial_weights=AdversarialWeights(small=0, medium=0, large=0, whole=1),
    )
    judged = AdversarialScores(fake=scores(0.0), real=scores(0.0))
    parts = loss(GeneratorOutcome(restored, sharp, masks, textures, judged))
    assert parts.terms["adversarial"].item() == pytest.approx(0.693147, abs=1e-5)
    torch.testing.assert_close(
        parts.total, 2 * parts.terms["reconstruction"] + 3 * parts.terms["adversarial"] + 5 * parts.terms["texture"]
    )


def test_parts_that_are_not_given_are_zero():
    restored, sharp, masks, _ = example()
    parts = GeneratorLoss()(GeneratorOutcome(restored, sharp, masks))
    assert parts.terms["adversarial"].item() == 0
    assert parts.terms["texture"].item() == 0
    torch.testing.assert_close(parts.total, 120 * parts.terms["reconstruction"])


def test_a_perfect_restoration_costs_only_the_draw_with_the_discriminator():
    _, sharp, masks, _ = example()
    judged = AdversarialScores(fake=scores(1.0), real=scores(1.0))
    parts = GeneratorLoss()(GeneratorOutcome(sharp, sharp, masks, scores=judged))
    assert parts.total.item() == pytest.approx(0.1 * 2.4 * 0.693147, rel=1e-5)


def test_it_trains_through_a_discriminator_in_bfloat16():
    torch.manual_seed(9)
    discriminator = MultiPatchDiscriminator(64, width=4)
    sharp = torch.rand(2, 3, 64, 64)
    restored = (0.5 * sharp).requires_grad_()
    masks = region_masks(torch.randint(0, 19, (2, 64, 64)))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        judged = AdversarialScores(fake=discriminator(restored), real=discriminator(sharp))
        parts = GeneratorLoss()(GeneratorOutcome(restored, sharp, masks, scores=judged))
    parts.total.backward()
    assert parts.total.dtype == torch.float32
    assert restored.grad.isfinite().all()
    assert restored.grad.abs().max() > 0


def test_every_pixel_loss_is_a_term_and_unweighted_ones_are_not_computed():
    restored, sharp, masks, _ = example()
    outcome = GeneratorOutcome(restored, sharp, masks)
    parts = GeneratorLoss({"charbonnier": 3})(outcome)
    torch.testing.assert_close(parts.terms["charbonnier"], PIXEL_LOSSES["charbonnier"](restored, sharp))
    torch.testing.assert_close(parts.total, GeneratorLoss()(outcome).total + 3 * parts.terms["charbonnier"])
    assert set(GeneratorLoss()(outcome).terms) == {"reconstruction", "adversarial", "texture"}


def test_a_new_term_is_one_entry_of_the_registry(monkeypatch):
    """As an added file and line would make it: configurations may weigh it by its name."""
    term = GeneratorTerm(0.0, lambda options: lambda outcome: outcome.restored.mean())
    monkeypatch.setattr("snadnet.losses.total.GENERATOR_TERMS", {**GENERATOR_TERMS, "brightness": term})
    restored, sharp, masks, _ = example()
    parts = GeneratorLoss({"brightness": 2})(GeneratorOutcome(restored, sharp, masks))
    torch.testing.assert_close(parts.total, 120 * parts.terms["reconstruction"] + 2 * restored.mean())


def test_a_negative_weight_is_named():
    with pytest.raises(ConfigError, match=r"losses\.texture"):
        GeneratorLoss({"texture": -1})


def test_fidelity_is_the_negative_psnr_and_is_added_by_its_weight():
    restored, sharp, masks, _ = example()
    plain = GeneratorLoss()(GeneratorOutcome(restored, sharp, masks))
    parts = GeneratorLoss({"fidelity": 2})(GeneratorOutcome(restored, sharp, masks))
    expected = (10 * torch.log10((restored - sharp).square().mean(dim=(1, 2, 3)))).mean()
    torch.testing.assert_close(parts.terms["fidelity"], expected)
    torch.testing.assert_close(parts.total, plain.total + 2 * expected)
    assert "fidelity" not in plain.terms
