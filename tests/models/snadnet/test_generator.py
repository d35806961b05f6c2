"""SNAD layers, blocks, the generator and the whole network."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models import create_network, describe_model
from snadnet.models.complexity import measure_complexity
from snadnet.models.snadnet import BASE, SMALL, AdaptiveDenormalization, Generator, GeneratorConfig, SNADLayer, SNADNet
from snadnet.models.snadnet.blocks import SNADBlock, TextureEnhancement
from snadnet.models.snadnet.generator import without
from snadnet.models.snadnet.snad import foreground_mask, resize_parsing
from snadnet.models.wiener import deconvolve_by

TINY_GUIDED = replace(SMALL, widths=(8, 8, 16), encoder_depths=(1, 1, 1), decoder_depths=(1, 1, 1), guidance_width=4)
TINY = replace(TINY_GUIDED, deconvolved_channels=0, refinement_pass=False)
TINY_PAPER = replace(BASE, widths=(8, 8, 16), encoder_depths=(1, 1, 1), decoder_depths=(0, 1, 1), guidance_width=4)


def random_parsing(batch: int, size: int) -> Tensor:
    return torch.softmax(3.0 * torch.randn(batch, 19, size, size), dim=1)


def shaken(network: nn.Module) -> nn.Module:
    """Move every weight a little, so that zero-initialised branches take part."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network


def test_foreground_is_what_is_neither_background_nor_cloth() -> None:
    parsing = torch.zeros(1, 19, 1, 4)
    parsing[0, 0, 0, 0] = parsing[0, 18, 0, 1] = parsing[0, 1, 0, 2] = 1.0
    parsing[0, [0, 13], 0, 3] = torch.tensor([0.25, 0.75])
    torch.testing.assert_close(foreground_mask(parsing).flatten(), torch.tensor([0.0, 0.0, 1.0, 0.75]))


def test_resized_parsing_stays_a_probability_and_averages() -> None:
    parsing = random_parsing(2, 8)
    small = resize_parsing(parsing, 4)
    torch.testing.assert_close(small.sum(dim=1), torch.ones(2, 2, 2))
    torch.testing.assert_close(small[0, 3, 1, 0], parsing[0, 3, 4:, :4].mean())


def test_denormalization_is_gamma_times_plus_beta() -> None:
    layer = AdaptiveDenormalization(2, hidden=1, kernel_size=1)
    with torch.no_grad():
        layer.shared.weight.zero_()
        layer.shared.bias.fill_(2.0)  # type: ignore[union-attr] # h = relu(2) = 2
        layer.affine.weight.copy_(torch.tensor([0.5, 1.0, 3.0, -1.0]).view(4, 1, 1, 1))
        layer.affine.bias.zero_()  # type: ignore[union-attr]
    # gamma = 1 + 2 * (0.5, 1) = (2, 3); beta = 2 * (3, -1) = (6, -2).
    normalized = torch.tensor([1.0, 10.0]).view(1, 2, 1, 1)
    result = layer(normalized, random_parsing(1, 1))
    torch.testing.assert_close(result.flatten(), torch.tensor([8.0, 28.0]))


@pytest.mark.parametrize("normalization", ["separable", "instance", "batch"])
def test_only_separable_normalization_keeps_the_regions_apart(normalization: str) -> None:
    torch.manual_seed(0)
    layer = SNADLayer(4, hidden=4, normalization=normalization)  # type: ignore[arg-type]
    parsing = torch.zeros(1, 19, 8, 8)
    parsing[:, 1, :, :4], parsing[:, 0, :, 4:] = 1.0, 1.0
    features = torch.randn(1, 4, 8, 8)
    moved = features.clone()
    moved[..., :4] += 5.0
    same = torch.allclose(layer(features, parsing)[..., 4:], layer(moved, parsing)[..., 4:], atol=1e-4)
    assert same is (normalization == "separable")


def test_a_layer_without_normalization_is_the_identity() -> None:
    layer, features = SNADLayer(4, hidden=4, normalization="none"), torch.randn(1, 4, 8, 8)
    assert layer(features, None) is features
    assert not list(layer.parameters())


def test_snad_block_doubles_the_resolution() -> None:
    block = SNADBlock(6, 4, hidden=4, normalization="separable")
    assert block(torch.randn(2, 6, 5, 7), torch.softmax(torch.randn(2, 19, 5, 7), 1)).shape == (2, 4, 10, 14)


def test_texture_enhancement_starts_as_the_identity() -> None:
    features = torch.randn(1, 6, 5, 5)
    enhanced, texture = TextureEnhancement(6, hidden=3, kernel_size=1)(features)
    torch.testing.assert_close(enhanced, features)
    assert texture.shape == (1, 3, 5, 5)


@pytest.mark.parametrize(
    "config",
    [
        TINY,
        TINY_PAPER,
        replace(TINY_PAPER, unshuffle=2),
        *(without(TINY_PAPER, normalization) for normalization in ("none", "batch", "instance", "separable")),
    ],
)
def test_every_weight_gets_a_gradient(config: GeneratorConfig) -> None:
    torch.manual_seed(0)
    generator = shaken(Generator(config))
    output = generator(torch.rand(2, 3, 32, 32), random_parsing(2, 32))
    assert output.restored.shape == (2, 3, 32, 32)
    (output.restored.square().mean() + sum(t.abs().mean() for t in output.textures)).backward()
    missing = [n for n, p in generator.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert missing == []


def test_texture_sizes_are_the_first_three_working_resolutions() -> None:
    config = replace(TINY, widths=(8, 8, 8, 8), encoder_depths=(1, 1, 1, 1), decoder_depths=(1, 1, 1, 1))
    output = Generator(config)(torch.rand(1, 3, 32, 32), random_parsing(1, 32))
    assert [texture.shape[-1] for texture in output.textures] == [4, 8, 16]
    assert Generator(replace(config, texture=False))(torch.rand(1, 3, 32, 32), random_parsing(1, 32)).textures == ()


def test_an_untrained_residual_generator_returns_its_input() -> None:
    blurred = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(Generator(TINY)(blurred, random_parsing(1, 32)).restored, blurred)


def test_the_parsing_map_guides_the_result() -> None:
    torch.manual_seed(0)
    generator, blurred = shaken(Generator(TINY)), torch.rand(1, 3, 32, 32)
    first, second = (generator(blurred, random_parsing(1, 32)).restored for _ in range(2))
    assert not torch.allclose(first, second, atol=1e-4)


def test_deconvolved_and_previous_images_guide_the_result() -> None:
    torch.manual_seed(0)
    generator, blurred, parsing = shaken(Generator(TINY_GUIDED)), torch.rand(1, 3, 32, 32), random_parsing(1, 32)
    deconvolved = torch.rand(1, 9, 16, 16)
    result = generator(blurred, parsing, deconvolved, blurred).restored
    for others in ((1.0 - deconvolved, blurred), (deconvolved, 1.0 - blurred)):
        assert not torch.allclose(generator(blurred, parsing, *others).restored, result, atol=1e-4)


def test_hard_parsing_sees_only_the_likeliest_class() -> None:
    torch.manual_seed(0)
    generator, blurred = shaken(Generator(replace(TINY, soft_parsing=False))), torch.rand(1, 3, 32, 32)
    parsing = random_parsing(1, 32)
    sharpened = torch.softmax(20.0 * parsing.log(), dim=1)
    torch.testing.assert_close(generator(blurred, parsing).restored, generator(blurred, sharpened).restored)


def test_results_do_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    generator = shaken(Generator(TINY)).eval()
    blurred, parsing = torch.rand(3, 3, 32, 32), random_parsing(3, 32)
    together = generator(blurred, parsing).restored
    alone = generator(blurred[1:2], parsing[1:2]).restored
    torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-5)


def test_bfloat16_autocast_stays_near_float32() -> None:
    torch.manual_seed(0)
    generator = shaken(Generator(TINY)).eval()
    blurred, parsing = torch.rand(1, 3, 32, 32), random_parsing(1, 32)
    exact = generator(blurred, parsing).restored
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = generator(blurred, parsing).restored
    assert torch.isfinite(rough).all()
    assert (rough.float() - exact).abs().max() < 0.1 * exact.abs().max()


def test_levels_must_agree() -> None:
    with pytest.raises(ValueError, match="one entry a level"):
        Generator(replace(TINY, encoder_depths=(1, 1)))


def test_small_stays_within_its_budget_with_its_conditioning_networks_and_both_passes() -> None:
    assert measure_complexity(describe_model("snadnet-small"), 160).macs < 2.5e9


def test_network_restores_and_parses() -> None:
    network = SNADNet(TINY, parser_width=0.0625).eval()
    with torch.no_grad():
        output = network(torch.rand(2, 3, 64, 96))
    assert output.restored.shape == (2, 3, 64, 96)
    assert output.parsing.shape == (2, 19, 64, 96)
    torch.testing.assert_close(output.parsing.sum(dim=1), torch.ones(2, 64, 96))


def test_the_conditioning_networks_stay_frozen_and_in_evaluation_mode() -> None:
    network = create_network("snadnet-small").train()
    assert isinstance(network, SNADNet)
    assert network.generator.training
    for guide in (network.parser, network.wiener):
        assert guide is not None
        assert not guide.training
        assert not any(p.requires_grad for p in guide.parameters())


def test_a_generator_without_deconvolved_channels_has_no_deconvolution() -> None:
    network = SNADNet(TINY, parser_width=0.0625)
    assert network.wiener is None
    assert network.refiner is None
    assert network(torch.rand(1, 3, 32, 32)).kernel is None
    with pytest.raises(ValueError, match="needs deconvolved_channels"):
        SNADNet(replace(TINY, refinement_pass=True), parser_width=0.0625)


def with_refinement_pass() -> SNADNet:
    torch.manual_seed(0)
    network = SNADNet(TINY_GUIDED, parser_width=0.0625).eval()
    shaken(network.generator)
    assert network.refiner is not None
    shaken(network.refiner)
    return network


def test_the_refinement_pass_sees_what_the_first_restored() -> None:
    network, blurred = with_refinement_pass(), torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        parsing, guided = network.parse(blurred), network.wiener(blurred)  # type: ignore[misc]
        first = network.generator(blurred, parsing, guided.deconvolved, blurred).restored
        output = network(blurred)
        seen, half = first.clamp(0.0, 1.0), F.avg_pool2d(blurred, 2)
        refined = network.refiner(guided.estimate, F.avg_pool2d(seen, 2), half)  # type: ignore[misc]
        second = network.generator(blurred, network.parse(seen), deconvolve_by(half, refined), seen).restored
    assert not torch.allclose(first, second, atol=1e-3)
    torch.testing.assert_close(output.restored, second)
    torch.testing.assert_close(output.kernel.kernel, refined.kernel)


def test_a_batch_may_be_split_between_the_passes() -> None:
    network, blurred = with_refinement_pass(), torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        whole, split = network(blurred), network(blurred, first_pass_only=1)
        parsing = network.parse(blurred[:1])
        first = network.generator(blurred[:1], parsing, network.wiener(blurred[:1]).deconvolved, blurred[:1])  # type: ignore[misc]
    torch.testing.assert_close(split.restored[:1], first.restored, rtol=0, atol=1e-5)
    torch.testing.assert_close(split.restored[1:], whole.restored[1:], rtol=0, atol=1e-5)
    torch.testing.assert_close(split.kernel.kernel, whole.kernel.kernel[1:], rtol=0, atol=1e-5)


def test_the_image_teaches_the_refiner_through_the_deconvolution() -> None:
    network = with_refinement_pass().train()
    network(torch.rand(2, 3, 64, 64), first_pass_only=1).restored.square().mean().backward()
    for part in (network.generator, network.refiner):
        assert part is not None
        gradients = [p.grad for p in part.parameters()]
        assert all(g is not None and g.isfinite().all() for g in gradients)
        assert sum(float(g.abs().sum()) for g in gradients if g is not None) > 0.0
    assert all(p.grad is None for guide in (network.parser, network.wiener) for p in guide.parameters())  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["snadnet-base", "snadnet-tiny", "snadnet-small"])
def test_the_rows_of_table_iii_differ_in_what_they_are_named_for(name: str) -> None:
    with torch.device("meta"):
        rows = {row: create_network(f"{name}-{row}") for row in ("linknet", "bnad", "inad", "snad")}
        whole = create_network(name)
    generators = {row: network.generator for row, network in rows.items()}
    assert [g.config.normalization for g in generators.values()] == ["none", "batch", "instance", "separable"]
    assert all(not len(g.texture) for g in generators.values())
    shapes = [{k: v.shape for k, v in g.named_parameters()} for g in list(generators.values())[1:]]
    # Normalizations have no weights of their own, so that the three rows learn the same number of weights.
    assert shapes[0] == shapes[1] == shapes[2]
    assert rows["linknet"].parser is None
    assert {k for k, _ in whole.named_parameters()} - {k for k, _ in rows["snad"].named_parameters()} == {
        k for k, _ in whole.named_parameters() if k.startswith("generator.texture")
    }


@pytest.mark.parametrize("name", ["snadnet-tiny-linknet", "snadnet-small-linknet"])
def test_linknet_alone_restores_without_a_parsing_map(name: str) -> None:
    torch.manual_seed(0)
    network = shaken(create_network(name)).train()
    blurred = torch.rand(3, 3, 64, 64)
    output = network(blurred, first_pass_only=1)
    assert output.parsing is None
    assert output.restored.shape == blurred.shape
