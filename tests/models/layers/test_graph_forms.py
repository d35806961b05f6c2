"""What a graph computes in place of PyTorch's own operations is the same."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from snadnet.models.layers.graph_forms import channel_sum, convolve_to_parts, convolve_unshuffled, in_blocks


def both_forms(compute: Callable[[], Tensor]) -> tuple[Tensor, Tensor]:
    """What PyTorch computes, and what a graph does."""
    plain = compute()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.compiler.is_compiling", lambda: True)
        return plain, compute()


def images(channels: int, rows: int, columns: int) -> Tensor:
    return torch.rand(2, channels, rows, columns, generator=torch.Generator().manual_seed(channels))


@given(
    channels=st.integers(1, 5),
    factor=st.sampled_from([1, 2, 3]),
    side=st.sampled_from([1, 3, 5]),
    beside=st.integers(0, 4),
    bias=st.booleans(),
)
def test_folded_images_are_convolved_by_a_larger_kernel(
    channels: int, factor: int, side: int, beside: int, bias: bool
) -> None:
    convolution = nn.Conv2d(channels * factor**2 + beside, 7, side, padding=side // 2, bias=bias)
    further = images(beside, 6, 4) if beside else None
    folded = images(channels, 6 * factor, 4 * factor)
    plain, graph = both_forms(lambda: convolve_unshuffled(folded, factor, convolution, beside=further))
    assert plain.shape == (2, 7, 6, 4)
    torch.testing.assert_close(graph, plain, atol=1e-5, rtol=1e-5)


@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=3), depthwise=st.booleans(), bias=st.booleans())
def test_channels_are_taken_apart_before_they_are_computed(sizes: list[int], depthwise: bool, bias: bool) -> None:
    channels = sum(sizes)
    convolutions = [nn.Conv2d(3, channels, 1, bias=bias)]
    if depthwise:
        convolutions.append(nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=bias))
    given_images = images(3, 5, 7)
    for part, size in enumerate(sizes):
        plain, graph = both_forms(lambda part=part: convolve_to_parts(given_images, sizes, *convolutions)[part])
        assert plain.shape == (2, size, 5, 7)
        torch.testing.assert_close(graph, plain, atol=1e-6, rtol=1e-5)


def test_features_in_blocks_are_themselves_to_the_bit() -> None:
    features = images(6, 5, 7) - 0.5
    plain, graph = both_forms(lambda: in_blocks(features))
    assert plain is features
    assert graph.equal(features)


@given(chosen=st.none() | st.sets(st.integers(0, 4), min_size=1))
def test_channels_are_added_up_by_a_convolution(chosen: set[int] | None) -> None:
    features = images(5, 3, 7)
    plain, graph = both_forms(lambda: channel_sum(features, None if chosen is None else sorted(chosen)))
    assert plain.shape == (2, 1, 3, 7)
    torch.testing.assert_close(graph, plain)
    torch.testing.assert_close(plain[:, 0], sum(features[:, channel] for channel in chosen or range(5)))
