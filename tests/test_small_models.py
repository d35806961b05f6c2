"""The width-reduced networks, for equal-compute comparisons with snadnet-small."""

import pytest

from snadnet.models import describe_model
from snadnet.models.figures import SIDE, model_figures


@pytest.mark.parametrize("name", ["dmphn-1-2-4-8-cpu", "dmphn-1-2-4-cpu", "mprnet-cpu", "nafnet-cpu", "umsn-cpu"])
def test_costs_half_a_billion_multiplications_at_160_px(name: str) -> None:
    assert model_figures(describe_model(name)).macs * (160 / SIDE) ** 2 / 1e9 == pytest.approx(0.5, abs=0.03)


def test_nafnet_small_costs_what_snadnet_small_costs_at_one_look_with_its_guides() -> None:
    ours, nafnet = (model_figures(describe_model(name)).macs for name in ("snadnet-small-once", "nafnet-small"))
    assert ours <= nafnet <= 1.1 * ours
