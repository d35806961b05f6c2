"""The U-Net of residual units, and one that begins as a deeper one."""

import torch

from snadnet.models.layers.unet import ResidualUNet


def unet(channels: int, widths: tuple[int, ...], units: tuple[int, ...], *, seed: int) -> ResidualUNet:
    network = ResidualUNet(channels, 3, widths=widths, units=units)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(0.1 * torch.randn(weight.shape, generator=generator))
    return network


def images(channels: int) -> torch.Tensor:
    return torch.rand(2, channels, 32, 40, generator=torch.Generator().manual_seed(1))


def test_an_untrained_one_gives_nothing() -> None:
    assert ResidualUNet(3, 3, widths=(8, 12), units=(1, 1))(images(3)).abs().max() == 0


def test_one_of_the_same_levels_begins_as_the_other() -> None:
    other, network = (unet(3, (8, 12), (1, 2), seed=seed) for seed in (2, 3))
    network.begin_as(other)
    torch.testing.assert_close(network(images(3)), other(images(3)))


def test_a_shallower_one_leaves_out_levels_that_do_nothing() -> None:
    """And inputs in which there is nothing. Its last level has the units of both sides."""
    other, network = unet(5, (8, 12, 16), (1, 2, 1), seed=2), unet(3, (8, 12), (1, 4), seed=3)
    seen = images(5)
    seen[:, 3:] = 0.0
    network.begin_as(other)
    assert (network(seen[:, :3]) - other(seen)).abs().max() > 1e-3
    with torch.no_grad():
        other.up[1].weight.zero_()
        assert other.up[1].bias is not None
        other.up[1].bias.zero_()
    torch.testing.assert_close(network(seen[:, :3]), other(seen))


def test_one_without_units_on_the_way_down_leaves_out_units_that_do_nothing() -> None:
    other = unet(3, (8, 12), (1, 2), seed=2)
    network = ResidualUNet(3, 3, widths=(8, 12), units=(1, 2), units_down=(0,))
    network.begin_as(other)
    assert (network(images(3)) - other(images(3))).abs().max() > 1e-3
    with torch.no_grad():
        for weight in other.encode[0].parameters():
            weight.zero_()
    torch.testing.assert_close(network(images(3)), other(images(3)))
