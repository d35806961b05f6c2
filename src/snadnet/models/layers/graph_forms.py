"""Forms of operations that an exported graph takes in place of PyTorch's own: the same values in less time.

A runtime computes convolutions on blocks of channels (ONNX Runtime: of 16). Whatever else is done with the features
takes them out of their blocks and puts them back, which costs as much as a small convolution. So a graph has
convolutions in place of what folds features, takes them apart or joins them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def convolve_unshuffled(images: Tensor, factor: int, convolution: nn.Conv2d, *, beside: Tensor | None = None) -> Tensor:
    """Convolve images that are folded first (pixel unshuffle).

    Args:
        images: ``(B, C, H, W)``, sides multiples of ``factor``.
        factor: Of the folding.
        convolution: Of ``C * factor^2`` channels and those beside; its stride is 1.
        beside: Further channels, ``(B, C', H / factor, W / factor)``.

    Returns:
        ``(B, C_out, H / factor, W / factor)``.
    """
    if not torch.compiler.is_compiling():
        folded = F.pixel_unshuffle(images, factor)
        given = folded if beside is None else torch.cat((folded, beside.to(folded.dtype)), dim=1)
        convolved: Tensor = convolution(given.contiguous(memory_format=torch.channels_last))
        return convolved
    channels, (rows, columns) = images.shape[1], convolution.kernel_size
    pad_rows, pad_columns = _padding(convolution)
    folded_channels = channels * factor**2
    # The same products, of a larger kernel that takes steps.
    weight = convolution.weight[:, :folded_channels].reshape(-1, channels, factor, factor, rows, columns)
    weight = weight.permute(0, 1, 4, 2, 5, 3).reshape(-1, channels, rows * factor, columns * factor)
    padding = (pad_rows * factor, pad_columns * factor)
    convolved = F.conv2d(images, weight, convolution.bias, stride=factor, padding=padding)
    if beside is None:
        return convolved
    return convolved + F.conv2d(beside, convolution.weight[:, folded_channels:], padding=(pad_rows, pad_columns))


def convolve_to_parts(features: Tensor, sizes: list[int], *convolutions: nn.Conv2d) -> list[Tensor]:
    """Convolve ``(B, C, H, W)`` and take the result's channels apart.

    Args:
        features: What is convolved.
        sizes: How many channels each part has.
        convolutions: One after the other, of stride 1; all but the first are depthwise.
    """
    if not torch.compiler.is_compiling():
        for convolution in convolutions:
            features = convolution(features)
        return list(torch.split(features, sizes, dim=1))
    parts = [features] * len(sizes)
    for number, convolution in enumerate(convolutions):
        weights = torch.split(convolution.weight, sizes)
        biases = [None] * len(sizes) if convolution.bias is None else torch.split(convolution.bias, sizes)
        parts = [
            F.conv2d(part, weight, bias, padding=_padding(convolution), groups=part.shape[1] if number else 1)
            for part, weight, bias in zip(parts, weights, biases, strict=True)
        ]
    return parts


def in_blocks(features: Tensor) -> Tensor:
    """Return ``(B, C, H, W)`` as it is, where a graph goes on with convolutions of it and sums of their results."""
    if not torch.compiler.is_compiling():
        return features
    channels = features.shape[1]
    return F.conv2d(features, torch.eye(channels, device=features.device).view(channels, channels, 1, 1))


def channel_sum(features: Tensor, channels: Sequence[int] | None = None) -> Tensor:
    """Return the sum of ``(B, C, H, W)`` over the channels, all or some of them, ``(B, 1, H, W)``."""
    if not torch.compiler.is_compiling():
        chosen = features if channels is None else features[:, list(channels)]
        return chosen.sum(dim=1, keepdim=True)
    count = features.shape[1]
    weight = [float(channels is None or channel in channels) for channel in range(count)]
    return F.conv2d(features, torch.tensor(weight, device=features.device).view(1, count, 1, 1))


def _padding(convolution: nn.Conv2d) -> tuple[int, int]:
    assert not isinstance(convolution.padding, str)
    rows, columns = convolution.padding
    return rows, columns
