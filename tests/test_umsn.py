"""UMSN."""

from dataclasses import replace

import pytest
import torch

from model_cost import gigamacs, parameters
from snadnet.models.umsn import UMSN, UMSN_CPU
from snadnet.models.umsn.blocks import BatchNorm, SharedSeparable, Transition


def test_is_as_large_as_the_parts_that_run_of_the_published_network() -> None:
    with torch.device("meta"):
        network = UMSN()
    assert parameters(network) == 14_266_213
    # The published confidence network has 340,643: one unused group and three unused skips are 113,664 of them.
    assert parameters(network.confidence) == 340_643 - 113_664
    assert gigamacs(UMSN, 256, inputs=2) == pytest.approx(378.5, abs=0.1)
    assert gigamacs(UMSN, 128, inputs=2) == pytest.approx(94.6, abs=0.1)


def test_restoring_needs_no_confidence() -> None:
    assert gigamacs(UMSN, 256) == pytest.approx(368.5, abs=0.1)


def test_the_small_variant_stays_within_its_budget() -> None:
    assert gigamacs(lambda: UMSN(UMSN_CPU), 160) == pytest.approx(0.5, abs=0.05)


@torch.no_grad()
def test_outputs_have_their_sizes_and_ranges() -> None:
    blurred = 2.0 * torch.rand(2, 3, 32, 40) - 1.0
    output = UMSN(UMSN_CPU).eval()(blurred, blurred)
    assert output.restored.shape == (2, 3, 32, 40)
    assert output.restored_half.shape == (2, 3, 16, 20)
    assert [picture.shape for picture in output.first_stage] == 4 * [(2, 3, 32, 40)]
    assert output.maps.shape == (2, 4, 32, 40)
    assert output.maps_half.shape == (2, 4, 16, 20)
    assert output.confidences.shape == (2, 4, 3)
    for probabilities in (output.maps, output.maps_half, output.confidences):
        assert 0.0 < probabilities.min() <= probabilities.max() < 1.0
    assert UMSN(UMSN_CPU).eval()(blurred).confidences is None


def test_losses_on_all_outputs_train_every_weight() -> None:
    torch.manual_seed(0)
    network = UMSN(replace(UMSN_CPU, width=8))
    output = network(torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32))
    pictures = (output.restored, output.restored_half, *output.first_stage)
    (sum(picture.square().mean() for picture in pictures) + output.confidences.log().mean()).backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []


@torch.no_grad()
@pytest.mark.parametrize("batch_statistics", [False, True])
def test_only_batch_statistics_make_a_result_depend_on_its_neighbours(batch_statistics: bool) -> None:
    torch.manual_seed(0)
    network = UMSN(replace(UMSN_CPU, batch_statistics=batch_statistics)).double().eval()
    state = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    images = torch.rand(3, 3, 32, 32).double()
    images[2] *= 0.1
    alone = torch.allclose(network(images).maps[:1], network(images[:1]).maps, rtol=0.0, atol=1e-9)
    assert alone is not batch_statistics
    assert all(torch.equal(tensor, state[key]) for key, tensor in network.state_dict().items())


@torch.no_grad()
def test_batch_statistics_normalize_as_training_does() -> None:
    layer = BatchNorm(3, batch_statistics=True)
    features = 5.0 + torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(layer.eval()(features), layer.train()(features))


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
