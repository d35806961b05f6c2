"""The U-Net of residual units, and one that begins as a wider one."""

import pytest
import torch

from snadnet.models.layers.unet import ResidualUNet


def unet(width: int, *, seed: int) -> ResidualUNet:
    network = ResidualUNet(3, 3, widths=(width, 12), units=(1, 1))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(0.1 * torch.randn(weight.shape, generator=generator))
    return network


def images() -> torch.Tensor:
    return torch.rand(2, 3, 32, 40, generator=torch.Generator().manual_seed(1))


def test_an_untrained_one_gives_nothing() -> None:
    assert ResidualUNet(3, 3, widths=(8, 12), units=(1, 1))(images()).abs().max() == 0


def test_one_of_the_same_width_begins_as_the_other() -> None:
    other, network = unet(8, seed=2), unet(8, seed=3)
    network.begin_as(other)
    torch.testing.assert_close(network(images()), other(images()))


@pytest.mark.parametrize("place", [0, 3, 7])
def test_a_narrower_one_leaves_out_what_does_nothing(place: int) -> None:
    """Channels that neither write nor read are the weakest, wherever they are."""
    other, network = unet(8, seed=2), unet(6, seed=3)
    idle = [place, (place + 2) % 8]
    with torch.no_grad():
        for each in (other.head, other.encode[0][0].second, other.decode[0][0].second, other.encode[0][0].first):
            each.weight[idle] = each.bias[idle] = 0.0
        other.decode[0][0].first.weight[idle] = other.decode[0][0].first.bias[idle] = 0.0
        other.up[0].weight[:, idle] = other.up[0].bias[idle] = 0.0
    network.begin_as(other)
    torch.testing.assert_close(network(images()), other(images()), atol=1e-6, rtol=1e-5)
