"""MPRNet."""

import torch

from snadnet.models.mprnet import MPRNET_TINY, MPRNet
from support.deblurring_model_checks import DeblurringModelChecks, assert_costs


class TestMPRNet(DeblurringModelChecks):
    name = "mprnet-tiny"


def test_has_the_published_size_and_cost() -> None:
    assert_costs("mprnet", parameters=20_127_073, gigamacs=759.4)


def test_weights_hold_the_shared_slope_once() -> None:
    # The published file has 316 keys, 55 of which are the same slope.
    state = MPRNet(MPRNET_TINY).state_dict()
    assert len(state) == 316 - 55 + 1
    assert len({tensor.data_ptr() for tensor in state.values()}) == len(state)


@torch.no_grad()
def test_the_first_stage_sees_halves_and_the_others_the_whole() -> None:
    torch.manual_seed(0)
    network = MPRNet(MPRNET_TINY).double()
    image = torch.rand(1, 3, 32, 40).double()
    moved = image.clone()
    moved[..., 16:, :] += 0.5
    before, after = network(image), network(moved)
    upper = [torch.equal(a[..., :16, :], b[..., :16, :]) for a, b in zip(before, after, strict=True)]
    assert upper == [False, False, True]
    # Within a half, the first stage's encoder is blind beyond a quadrant, its decoder is not.
    moved = image.clone()
    moved[..., :16, 20:] += 0.5
    assert not torch.allclose(network(moved).first[..., :20], before.first[..., :20])


@torch.no_grad()
def test_stages_are_residuals_of_the_input() -> None:
    network = MPRNet(MPRNET_TINY)
    network.tail.weight.zero_()
    for attention in network.attentions:
        attention.residual_conv.weight.zero_()
    image = torch.rand(2, 3, 32, 32)
    assert all(torch.equal(stage, image) for stage in network(image))
