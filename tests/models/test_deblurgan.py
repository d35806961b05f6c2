"""DeblurGAN: the published network's size and cost, and the release's deviations as switches."""

import pytest
import torch

from snadnet.models import create_network
from snadnet.models.deblurgan import Generator, GeneratorConfig, PatchCritic
from support.deblurring_model_checks import DeblurringModelChecks, assert_costs

TINY = GeneratorConfig(width=4, blocks=2)


class TestDeblurGAN(DeblurringModelChecks):
    name = "deblurgan-tiny"


def test_has_the_published_size_and_cost() -> None:
    assert_costs("deblurgan", parameters=11_378_179, gigamacs=49.55)


def test_six_blocks_have_the_published_size() -> None:
    with torch.device("meta"):
        assert sum(value.numel() for value in Generator(GeneratorConfig(blocks=6)).parameters()) == 7_837_699


def test_the_released_block_lacks_a_convolution() -> None:
    assert_costs("deblurgan-released-block", parameters=11_378_179 - 9 * (9 * 256**2 + 256), gigamacs=27.8)


def test_only_the_released_program_drops_features_at_inference() -> None:
    blurred = torch.rand(1, 3, 32, 32) * 2 - 1
    paper = Generator(TINY).eval()
    released = Generator(GeneratorConfig(width=4, blocks=2, inference_dropout=True)).eval()
    released.load_state_dict(paper.state_dict())
    with torch.no_grad():
        assert not released(blurred).equal(released(blurred))
        assert not paper.train()(blurred).equal(paper(blurred))


def test_weights_start_as_published() -> None:
    torch.manual_seed(0)
    network = create_network("deblurgan-tiny")
    weights = torch.cat([value.flatten() for name, value in network.named_parameters() if name.endswith("weight")])
    assert weights.std().item() == pytest.approx(0.02, rel=0.01)
    assert all(not value.any() for name, value in network.named_parameters() if name.endswith("bias"))


def test_what_an_empty_head_gives_is_the_blurred_image() -> None:
    network = Generator(TINY).eval()
    torch.nn.init.zeros_(network.head.weight)
    blurred = torch.rand(1, 3, 32, 32) * 2 - 1
    assert network(blurred).equal(blurred)


@pytest.mark.parametrize(("strides", "parameters", "side"), [(3, 2_764_737, 35), (5, 11_154_369, 11)])
def test_the_critic_has_the_published_size(strides: int, parameters: int, side: int) -> None:
    with torch.device("meta"):
        critic = PatchCritic(strides)
        assert sum(value.numel() for value in critic.parameters()) == parameters
        assert critic(torch.empty(2, 3, 256, 256)).shape == (2, 1, side, side)


def test_a_score_sees_70_pixels() -> None:
    critic = PatchCritic(3, width=2)
    for norm in [module for module in critic.modules() if isinstance(module, torch.nn.InstanceNorm2d)]:
        norm.forward = lambda features: features  # its statistics are of the whole image
    image = torch.rand(1, 3, 256, 256, requires_grad=True)
    critic(image)[0, 0, 17, 17].backward()
    assert image.grad is not None
    rows = image.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert (rows.max() - rows.min() + 1).item() == 70
