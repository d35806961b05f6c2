"""Separable normalization: face and background are normalized apart (paper, II-C, Eq. 3-7).

``separable_normalize_reference`` is the definition, term by term; ``separable_normalize`` computes the same with a
third of the memory traffic, and its gradient in closed form. Both are compared in the tests.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

EPSILON = 1e-5


def separable_normalize_reference(features: Tensor, foreground: Tensor, *, epsilon: float = EPSILON) -> Tensor:
    """Normalize face and background apart, as the paper writes it (Eq. 3-7).

    With the paper's errata (docs/research/paper.md, Separable normalization): pixels outside a region do not count in
    its variance (Eq. 5), the numerator is not squared (Eq. 6), and each term is masked again (Eq. 7).

    Args:
        features: ``F``, ``(B, C, H, W)``.
        foreground: ``M_f``, ``(B, 1, H, W)`` in ``[0, 1]``; neither region may be empty.
        epsilon: Added to the variance.

    Returns:
        ``(B, C, H, W)``.
    """
    normalized = torch.zeros_like(features)
    for mask in (foreground, 1.0 - foreground):
        count = mask.sum(dim=(2, 3), keepdim=True)
        mean = (features * mask).sum(dim=(2, 3), keepdim=True) / count
        variance = (mask * (features - mean) ** 2).sum(dim=(2, 3), keepdim=True) / count
        normalized = normalized + mask * (features - mean) / torch.sqrt(variance + epsilon)
    return normalized


def separable_normalize(features: Tensor, foreground: Tensor, *, epsilon: float = EPSILON) -> Tensor:
    """Give each of the two regions of each sample and channel zero mean and unit variance.

    Computes what ``separable_normalize_reference`` does; in addition, a region without pixels contributes nothing, and
    statistics are taken in float32 whatever the input's precision.

    Args:
        features: ``(B, C, H, W)``, any floating-point type.
        foreground: ``M_f``, ``(B, 1, H, W)`` in ``[0, 1]``; the background is ``M_b = 1 - M_f``.
        epsilon: Added to the variance.

    Returns:
        ``(B, C, H, W)``, of the features' type. Channels-last features are worked on without a copy.

    Raises:
        ValueError: If the shapes of ``features`` and ``foreground`` do not fit each other.
    """
    batch, channels, height, width = features.shape
    if foreground.shape != (batch, 1, height, width):
        expected = (batch, 1, height, width)
        raise ValueError(f"the foreground mask has shape {tuple(foreground.shape)}, expected {expected}")
    if torch.compiler.is_compiling():
        return _normalize_in_graph(features.float(), foreground.float(), epsilon).to(features.dtype)
    with _full_precision(features.device.type):
        values = features.float().permute(0, 2, 3, 1).reshape(batch, height * width, channels)
        fore = foreground.float().reshape(batch, height * width, 1)
        if torch.is_grad_enabled() and (values.requires_grad or fore.requires_grad):
            normalized: Tensor = _SeparableNormalize.apply(values, fore, epsilon)
        else:
            normalized = _normalize(values, fore, epsilon).normalized
        normalized = normalized.reshape(batch, height, width, channels).permute(0, 3, 1, 2)
    return normalized.to(features.dtype)


class SeparableNormalization(nn.Module):
    """Module form of ``separable_normalize``; it has no parameters and no running statistics."""

    def __init__(self, *, epsilon: float = EPSILON) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, features: Tensor, foreground: Tensor) -> Tensor:
        """Normalize ``(B, C, H, W)`` features by a foreground mask ``(B, 1, H, W)`` in ``[0, 1]``."""
        return separable_normalize(features, foreground, epsilon=self.epsilon)


def _full_precision(device_type: str) -> AbstractContextManager[object]:
    """Where autocast is off; the meta device, on which costs are counted, has none."""
    if not torch.amp.is_autocast_available(device_type):
        return nullcontext()
    return torch.autocast(device_type, enabled=False)


class _Normalized(NamedTuple):
    """A result and what its gradient needs; the regions' axis has the face first, then the background.

    With N pixels, C channels: ``normalized`` and ``centred`` are (B, N, C), ``masks`` (B, 2, N), ``counts``
    (B, 2, 1), ``gaps`` and ``scales`` (B, 2, C).
    """

    normalized: Tensor
    centred: Tensor
    masks: Tensor
    counts: Tensor
    gaps: Tensor
    scales: Tensor


def _normalize(values: Tensor, fore: Tensor, epsilon: float) -> _Normalized:
    """Normalize ``(B, N, C)`` values by a foreground mask ``(B, N, 1)``.

    Both regions are centred at once, in one copy of the features: with ``d = F - (m_f mu_f + m_b mu_b)``, a pixel's
    deviation from the mean of region ``r`` is ``d + m_o gap_r``, where ``m_o`` is the other region's mask and
    ``gap_r`` the other region's mean less its own. The second term is zero wherever the mask is 0 or 1, so nothing
    cancels even when the regions' means lie far apart.
    """
    face = fore.transpose(1, 2)
    masks = torch.cat((face, 1.0 - face), dim=1)
    others = masks.flip(1)
    counts = masks.sum(dim=2, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    shares = masks / counts
    means = torch.bmm(shares, values)
    gaps = means.flip(1) - means
    centred = torch.addcmul(values - means[:, 1:], fore, means[:, 1:] - means[:, :1])
    # sum of m_r (d + m_o gap_r)^2, expanded so that no second copy of the features is needed.
    variances = (
        torch.bmm(shares, centred.square())
        + 2.0 * gaps * torch.bmm(shares * others, centred)
        + gaps.square() * (shares * others.square()).sum(dim=2, keepdim=True)
    )
    scales = torch.rsqrt(variances.clamp_min(0.0) + epsilon)
    across = gaps[:, :1] * (scales[:, :1] - scales[:, 1:])
    normalized = torch.addcmul(centred * _blend(fore, scales), fore * (1.0 - fore), across)
    return _Normalized(normalized, centred, masks, counts, gaps, scales)


def _blend(fore: Tensor, regions: Tensor) -> Tensor:
    """Spread one row for each region (B, 2, C) over the pixels (B, N, C) by the mask (B, N, 1)."""
    return torch.addcmul(regions[:, 1:], fore, regions[:, :1] - regions[:, 1:])


def _normalize_in_graph(features: Tensor, foreground: Tensor, epsilon: float) -> Tensor:
    """What `_normalize` computes, in few operations that leave the channels where a graph has them."""
    face = foreground.flatten(2)
    masks = torch.cat((face, 1.0 - face), dim=1)
    others = masks.flip(1)
    shares = masks / masks.sum(dim=2, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    values = features.flatten(2)
    means = values @ shares.mT
    gaps = means @ torch.tensor([[-1.0, 1.0], [1.0, -1.0]], device=features.device)
    centred = values - means @ masks
    crossed = centred @ (2.0 * shares * others).mT + gaps * (shares * others.square()).sum(dim=2).unsqueeze(1)
    variances = centred.square() @ shares.mT + gaps * crossed
    scales = torch.rsqrt(variances.clamp_min(0.0) + epsilon)
    # Of the one region's gap and scale, and of the other's, whose gap has the other sign.
    across = (gaps * scales) @ (masks * others)
    return (centred * (scales @ masks) + across).view_as(features)


class _SeparableNormalize(torch.autograd.Function):
    """The normalization with its gradient written out, which takes a third of the memory traffic of tracing it."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, fore: Tensor, epsilon: float) -> Tensor:  # noqa: ANN401 (torch's own)
        result = _normalize(values, fore, epsilon)
        ctx.save_for_backward(fore, *result[1:])
        ctx.epsilon = epsilon
        return result.normalized

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:  # noqa: ANN401
        fore, centred, masks, counts, gaps, scales = ctx.saved_tensors
        back = 1.0 - fore
        # With deviation e_r = d + m_o gap_r and gradient g, each region has the sums a = sum(m g), b = sum(m g e).
        soft = masks[:, :1] * masks[:, 1:]
        sums = torch.bmm(torch.cat((masks, soft), dim=1), gradient)
        slopes = torch.bmm(masks, gradient * centred) + gaps * sums[:, 2:]
        by_mean = scales * sums[:, :2]
        by_variance = scales**3 * slopes
        # dF = sum over r of m_r (scale g - by_mean / n - e by_variance / n).
        pull, turn = by_mean / counts, by_variance / counts
        to_values = None
        if ctx.needs_input_grad[0]:
            to_values = _blend(fore, scales).mul_(gradient)
            to_values.addcmul_(centred, _blend(fore, turn), value=-1.0)
            across = gaps[:, :1] * (turn[:, :1] - turn[:, 1:])
            per_pixel = torch.cat((masks, soft), dim=1).transpose(1, 2)
            to_values.baddbmm_(per_pixel, torch.cat((pull, across), dim=1), alpha=-1.0)
        to_fore = None
        if ctx.needs_input_grad[1]:
            variances = scales**-2 - ctx.epsilon
            parts = []
            for region, other in ((0, back), (1, fore)):
                deviation = torch.addcmul(centred, other, gaps[:, region : region + 1])
                part = deviation * (
                    gradient * scales[:, region : region + 1] - pull[:, region : region + 1]
                ) - 0.5 * turn[:, region : region + 1] * (deviation.square() - variances[:, region : region + 1])
                parts.append(part.sum(dim=2, keepdim=True))
            to_fore = parts[0] - parts[1]
        return to_values, to_fore, None
