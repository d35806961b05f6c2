"""The width-reduced networks, for comparisons at equal cost."""

import pytest

from snadnet.models import describe_model, list_models
from snadnet.models.complexity import measure_complexity


def test_tiny_networks_cost_the_same_within_a_fifth() -> None:
    # snadnet-tiny without a part of its decoder costs less: those rows are compared with each other.
    names = [name for name in list_models("deblurring") if name.endswith("-tiny")]
    macs = {name: measure_complexity(describe_model(name)).macs / 1e9 for name in names}
    assert len(macs) == 9
    assert max(macs.values()) < 1.2 * min(macs.values())
    assert macs["snadnet-tiny"] == pytest.approx(1.33, abs=0.01)


@pytest.mark.parametrize(
    ("ours", "nafnet", "least", "most"),
    # The transforms of ours have become cheaper since the width of nafnet-small was chosen.
    [("snadnet-small-once", "nafnet-small", 1.0, 1.15), ("snadnet-small", "nafnet-small-56", 0.99, 1.1)],
)
def test_a_small_nafnet_costs_what_snadnet_costs_with_its_guides(
    ours: str, nafnet: str, least: float, most: float
) -> None:
    macs, of_nafnet = (measure_complexity(describe_model(name)).macs for name in (ours, nafnet))
    assert least * macs <= of_nafnet <= most * macs
