"""DMPHN."""

import pytest
import torch
from torch import Tensor

from snadnet.models import SizeRule, describe_model
from snadnet.models.dmphn import DMPHN, DMPHN_1_2_4, DMPHNConfig
from support.deblurring_model_checks import DeblurringModelChecks, assert_costs

TINY = DMPHNConfig(4, (2, 3, 4))


class TestDMPHN(DeblurringModelChecks):
    name = "dmphn-1-2-4-8-tiny"


class TestShallowDMPHN(DeblurringModelChecks):
    name = "dmphn-1-2-4-tiny"


@pytest.mark.parametrize(
    ("name", "parameters", "gigamacs", "sizes"),
    [("dmphn-1-2-4-8", 7_232_524, 65.15, SizeRule(16, 8)), ("dmphn-1-2-4", 5_424_393, 48.86, SizeRule(8, 8))],
)
def test_has_the_published_size_and_cost(name: str, parameters: int, gigamacs: float, sizes: SizeRule) -> None:
    assert_costs(name, parameters=parameters, gigamacs=gigamacs)
    assert describe_model(name).size == sizes


def test_an_encoder_and_a_decoder_have_the_published_size() -> None:
    with torch.device("meta"):
        network = DMPHN(DMPHN_1_2_4)
    assert sum(value.numel() for value in network.encoders[0].parameters()) == 868_288
    assert sum(value.numel() for value in network.decoders[0].parameters()) == 939_843


def test_levels_that_no_tiling_is_known_for_are_refused() -> None:
    with pytest.raises(ValueError, match="levels is 5"):
        DMPHNConfig(5)


def rows(image: Tensor) -> tuple[Tensor, Tensor]:
    return tuple(image.chunk(2, dim=2))  # type: ignore[return-value]


def columns(image: Tensor) -> tuple[Tensor, Tensor]:
    return tuple(image.chunk(2, dim=3))  # type: ignore[return-value]


def test_tiles_flow_upwards_as_the_paper_draws_it() -> None:
    """The paper's Fig. 2 written out tile by tile."""
    torch.manual_seed(0)
    network = DMPHN(TINY).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    image = torch.rand(1, 3, 32, 16).double() - 0.5
    e1, e2, e3, e4 = network.encoders
    d1, d2, d3, d4 = network.decoders

    halves = rows(image)
    quarters = [quarter for half in halves for quarter in columns(half)]
    features4 = [torch.cat([e4(eighth) for eighth in rows(quarter)], dim=2) for quarter in quarters]
    seen3 = [quarter + d4(features) for quarter, features in zip(quarters, features4, strict=True)]
    added3 = [e3(seen) + features for seen, features in zip(seen3, features4, strict=True)]
    features3 = [torch.cat(added3[:2], dim=3), torch.cat(added3[2:], dim=3)]
    added2 = [e2(half + d3(features)) + features for half, features in zip(halves, features3, strict=True)]
    features2 = torch.cat(added2, dim=2)
    expected = d1(e1(image + d2(features2)) + features2)

    output = network(image)
    torch.testing.assert_close(output.restored, expected)
    torch.testing.assert_close(output.residuals[-1], d2(features2))
    assert [residual.shape for residual in output.residuals] == 3 * [image.shape]
