"""The width-reduced networks, for equal-compute comparisons with snadnet-small."""

import pytest

from snadnet.catalogue import COST_SIDE
from snadnet.models import describe_model
from snadnet.models.complexity import measure_complexity


@pytest.mark.parametrize("name", ["dmphn-1-2-4-8-tiny", "dmphn-1-2-4-tiny", "mprnet-tiny", "nafnet-tiny", "umsn-tiny"])
def test_costs_half_a_billion_multiplications_at_160_px(name: str) -> None:
    assert measure_complexity(describe_model(name)).macs * (160 / COST_SIDE) ** 2 / 1e9 == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("ours", "nafnet", "least"),
    [("snadnet-small-once", "nafnet-small", 1.0), ("snadnet-small", "nafnet-small-56", 0.99)],
)
def test_a_small_nafnet_costs_what_snadnet_costs_with_its_guides(ours: str, nafnet: str, least: float) -> None:
    macs, of_nafnet = (measure_complexity(describe_model(name)).macs for name in (ours, nafnet))
    assert least * macs <= of_nafnet <= 1.1 * macs
