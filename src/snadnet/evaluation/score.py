"""Score any restoration method under a protocol, face by face, beside its own blurred input (SPEC 12).

A method is a function from blurred faces to restored ones; it may wrap an ONNX file, a PyTorch model or
nothing at all. Faces are read and blurred one batch at a time, so that memory does not grow with their
number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snadnet.data.protocols import Protocol, blurred_pair
from snadnet.errors import DataError
from snadnet.metrics.image import ImageScores, concatenate, image_scores

Method = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Blurred faces (B, H, W, 3), RGB, float32 in [0, 1] -> restored faces of the same shape and range."""


@dataclass(frozen=True, eq=False)
class ProtocolScores:
    """What one method scored under one protocol.

    Attributes:
        method: Its name, for tables.
        protocol: The protocol.
        faces: The N faces, in the order in which they were numbered.
        restored: The N scores of the restored faces.
        blurred: The N scores of the blurred faces that the method was given.
    """

    method: str
    protocol: Protocol
    faces: tuple[Path, ...]
    restored: ImageScores
    blurred: ImageScores

    @property
    def psnr_gain(self) -> float:
        """Mean PSNR of the restored less that of the blurred faces, dB (not finite if an input is sharp)."""
        return _mean(self.restored.psnr) - _mean(self.blurred.psnr)

    @property
    def worse_share(self) -> float:
        """The share of faces whose PSNR is lower after restoration than before, in [0, 1]."""
        return _mean(self.restored.psnr < self.blurred.psnr)


def score_method(
    method: Method, faces: Sequence[Path], protocol: Protocol, *, name: str = "restored", batch_size: int = 8
) -> ProtocolScores:
    """Blur each face as the protocol says, restore it, and score both against the sharp face.

    Args:
        method: The restoration.
        faces: Sharp, square face crops; the position in this sequence is the number that settles the kernel
            and noise of a face.
        protocol: How to blur.
        name: The method's name in tables.
        batch_size: How many faces the method is given at once; it does not change the scores of a method that
            treats faces one by one.

    Returns:
        The scores of every face.

    Raises:
        DataError: There are no faces, or one cannot be read, is not square or is too small.
        ValueError: The method returned another shape than it was given, or values that are not finite.
    """
    if not faces:
        raise DataError(f"no faces to score under the protocol {protocol.name}: give at least one picture")
    restored_parts: list[ImageScores] = []
    blurred_parts: list[ImageScores] = []
    for start in range(0, len(faces), batch_size):
        numbered = enumerate(faces[start : start + batch_size], start)
        pairs = [blurred_pair(face, protocol, index) for index, face in numbered]
        blurred = np.stack([pair[0] for pair in pairs])
        restored = method(blurred)
        if restored.shape != blurred.shape:
            raise ValueError(f"{name} was given faces of shape {blurred.shape} but returned {restored.shape}")
        if not np.isfinite(restored).all():
            raise ValueError(f"{name} returned values that are not finite for faces {start} and following")
        sharp = _tensor(np.stack([pair[1] for pair in pairs]))
        restored_parts.append(image_scores(_tensor(restored), sharp))
        blurred_parts.append(image_scores(_tensor(blurred), sharp))
    return ProtocolScores(
        name, protocol, tuple(faces), restored=concatenate(restored_parts), blurred=concatenate(blurred_parts)
    )


def score_table(scores: Sequence[ProtocolScores]) -> str:
    """A text table of methods on the same faces under one protocol; the first row is the blurred input's.

    The header states the whole protocol and N. Where an input equals its target (the protocol without blur)
    its PSNR is infinite, and gain and share made worse, which would say nothing, are printed as ``-``.

    Args:
        scores: At least one method's scores; all must share protocol and faces.

    Raises:
        ValueError: There are none, or they are of different protocols or faces.
    """
    if not scores:
        raise ValueError("a table needs the scores of at least one method")
    first = scores[0]
    if any((each.protocol, each.faces) != (first.protocol, first.faces) for each in scores):
        raise ValueError("only scores of the same faces under the same protocol can stand in one table")
    width = max(len("blurred input"), *(len(each.method) for each in scores))
    lines = [
        f"{first.protocol}",
        f"N = {len(first.faces)} faces; per-image means on 8-bit RGB",
        f"{'':{width}}  PSNR dB    SSIM    L1 %  gain dB  made worse",
        f"{'blurred input':{width}}  {_score_columns(first.blurred)}  {'-':>7}  {'-':>10}",
    ]
    for each in scores:
        gain, worse = "-", "-"
        if isfinite(each.psnr_gain):
            gain, worse = f"{each.psnr_gain:+.2f}", f"{100 * each.worse_share:.1f} %"
        lines.append(f"{each.method:{width}}  {_score_columns(each.restored)}  {gain:>7}  {worse:>10}")
    return "\n".join(lines)


def kernel_size_table(scores: ProtocolScores) -> str:
    """A text table of mean PSNR, gain and share made worse for each size of the blur kernel.

    Raises:
        ValueError: The protocol has no blur.
    """
    blur = scores.protocol.blur
    if blur is None:
        raise ValueError(f"the protocol {scores.protocol.name} has no kernels to group by")
    sizes = torch.tensor([blur.kernel_size(index) for index in range(len(scores.faces))])
    lines = ["kernel px    N  blurred dB  restored dB  gain dB  made worse"]
    for size in torch.unique(sizes):
        chosen = sizes == size
        blurred, restored = scores.blurred.psnr[chosen], scores.restored.psnr[chosen]
        gain, worse = restored - blurred, restored < blurred
        lines.append(
            f"{int(size):9d}  {len(gain):3d}  {_mean(blurred):10.2f}  {_mean(restored):11.2f}"
            f"  {_mean(gain):+7.2f}  {100 * _mean(worse):8.1f} %"
        )
    return "\n".join(lines)


def _score_columns(scores: ImageScores) -> str:
    return f"{_mean(scores.psnr):7.2f}  {_mean(scores.ssim):6.4f}  {_mean(scores.l1_percent):6.2f}"


def _mean(values: Tensor) -> float:
    # float64, or the mean of thousands of scores would depend on their order in its last digits
    return float(values.double().mean())


def _tensor(pictures: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
