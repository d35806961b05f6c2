"""NAFNet."""

import pytest
import torch

from model_cost import gigamacs, parameters
from snadnet.models.nafnet import NAFNET_32, NAFNET_64, NAFNET_CPU, NAFNet, NAFNetConfig
from snadnet.models.nafnet.network import NAFBlock


# The paper rounds to 16 and 65 GMACs; it counts more than convolutions.
@pytest.mark.parametrize(("config", "count", "cost"), [(NAFNET_32, 17_111_907, 15.96), (NAFNET_64, 67_888_835, 63.05)])
def test_is_as_large_as_the_published_network(config: NAFNetConfig, count: int, cost: float) -> None:
    with torch.device("meta"):
        assert parameters(NAFNet(config)) == count
    assert gigamacs(lambda: NAFNet(config), 256) == pytest.approx(cost, abs=0.01)


def test_the_small_variant_stays_within_its_budget() -> None:
    assert gigamacs(lambda: NAFNet(NAFNET_CPU), 160) == pytest.approx(0.5, abs=0.05)


def test_a_block_starts_as_the_identity() -> None:
    features = torch.randn(2, 6, 5, 7)
    assert torch.equal(NAFBlock(6)(features), features)
