"""UMSN."""

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from snadnet.models.umsn import UMSN, UMSN_TINY
from snadnet.models.umsn.blocks import SharedSeparable, Transition
from snadnet.models.umsn.config import NUM_MAPS
from support.deblurring_model_checks import DeblurringModelChecks, assert_costs


class TestUMSN(DeblurringModelChecks):
    name = "umsn-tiny"
    # The confidences need the true image; the streams' own images are outputs beside the restored one.
    unused = (
        "confidence.",
        *(
            f"deblurring.streams.{i}.{part}"
            for i in range(NUM_MAPS)
            for part in ("image_features.", "refine", "output_head.")
        ),
    )


def test_has_the_size_and_cost_of_what_runs_of_the_published_network() -> None:
    # The published program runs the confidence network at inference too, see below.
    assert_costs("umsn", parameters=14_266_213, gigamacs=368.5)


def test_with_its_confidences_it_costs_what_the_published_program_does() -> None:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        network = UMSN()
        network(torch.empty(1, 3, 256, 256), torch.empty(1, 3, 256, 256))
    assert round(counter.get_total_flops() / 2e9, 1) == 378.5
    # The published confidence network has 340,643: one unused group and three unused skips are 113,664 of them.
    assert sum(value.numel() for value in network.confidence.parameters()) == 340_643 - 113_664


@torch.no_grad()
def test_outputs_have_their_sizes_and_ranges() -> None:
    blurred = 2.0 * torch.rand(2, 3, 32, 40) - 1.0
    output = UMSN(UMSN_TINY).eval()(blurred, blurred)
    assert output.restored.shape == (2, 3, 32, 40)
    assert output.restored_half_res.shape == (2, 3, 16, 20)
    assert [image.shape for image in output.first_stage] == 4 * [(2, 3, 32, 40)]
    assert output.maps.shape == (2, 4, 32, 40)
    assert output.maps_half_res.shape == (2, 4, 16, 20)
    assert output.confidences.shape == (2, 4, 3)
    for probabilities in (output.maps, output.maps_half_res, output.confidences):
        assert 0.0 < probabilities.min() <= probabilities.max() < 1.0
    assert UMSN(UMSN_TINY).eval()(blurred).confidences is None


def test_losses_on_all_outputs_train_every_weight() -> None:
    torch.manual_seed(0)
    network = UMSN(replace(UMSN_TINY, width=8))
    output = network(torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32))
    images = (output.restored, output.restored_half_res, *output.first_stage)
    (sum(image.square().mean() for image in images) + output.confidences.log().mean()).backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []


@torch.no_grad()
@pytest.mark.parametrize("image_statistics", [False, True])
def test_only_the_released_program_ignores_what_was_collected_in_training(image_statistics: bool) -> None:
    torch.manual_seed(0)
    network = UMSN(replace(UMSN_TINY, image_statistics=image_statistics)).eval()
    blurred = torch.rand(1, 3, 32, 32)
    before = network(blurred).maps
    for name, value in network.named_buffers():
        if name.endswith("running_var"):
            value.fill_(4.0)
    assert torch.equal(network(blurred).maps, before) is image_statistics


def test_the_shared_filter_starts_as_the_identity_and_serves_every_channel() -> None:
    layer, features = SharedSeparable(), torch.randn(2, 3, 5, 5)
    assert torch.equal(layer(features), features)
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[..., 1, 2] = 1.0  # takes the pixel to the right
    torch.testing.assert_close(layer(features)[..., :-1], features[..., 1:])


@pytest.mark.parametrize(("scale", "size"), [("half", (3, 4)), ("same", (6, 8)), ("double", (12, 16))])
def test_transitions_change_the_resolution(scale: str, size: tuple[int, int]) -> None:
    transition = Transition(3, 5, scale)  # type: ignore[arg-type]
    assert transition(torch.rand(2, 3, 6, 8)).shape == (2, 5, *size)
