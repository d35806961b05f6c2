"""NAFNet."""

import pytest
import torch

from snadnet.models.nafnet.network import NAFBlock
from support.deblurring_model_checks import DeblurringModelChecks, assert_costs


class TestNAFNet(DeblurringModelChecks):
    name = "nafnet-tiny"


# The paper rounds to 16 and 65 GMACs; it counts more than convolutions.
@pytest.mark.parametrize(
    ("name", "parameters", "gigamacs"), [("nafnet-32", 17_111_907, 15.96), ("nafnet-64", 67_888_835, 63.05)]
)
def test_has_the_published_size_and_cost(name: str, parameters: int, gigamacs: float) -> None:
    assert_costs(name, parameters=parameters, gigamacs=gigamacs)


def test_a_block_starts_as_the_identity() -> None:
    features = torch.randn(2, 6, 5, 7)
    assert torch.equal(NAFBlock(6)(features), features)
