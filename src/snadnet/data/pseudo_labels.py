"""Pseudo-labels: a sharp-face parser's label maps of a folder of faces, the paper's ground truth (section II-A)."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from snadnet.data.prepare.preparation import png, resized_labels
from snadnet.errors import DataError
from snadnet.image_arrays import channels_first, to_float

PARSING_SIZE: Final = 256
"""Larger faces are parsed in a copy of this side: parsers learn from faces of about this size."""


def parser_input(pixels: NDArray[np.uint8], size: int = PARSING_SIZE, *, name: str = "the face") -> Tensor:
    """A face as a parser takes it.

    Args:
        pixels: ``(H, W, 3)`` RGB, square.
        size: Largest side in pixels; what is larger is scaled down by Lanczos.
        name: The face's name in errors.

    Returns:
        ``(3, S, S)`` float32 in ``[0, 1]``, ``S`` at most ``size``.

    Raises:
        DataError: If the face is not square.
    """
    height, width = pixels.shape[:2]
    if height != width:
        raise DataError(f"{name} is {width} x {height}: give square, aligned face crops")
    if width > size:
        pixels = np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.LANCZOS))
    return torch.from_numpy(channels_first(to_float(pixels)))


@torch.no_grad()
def label_faces(parser: nn.Module, faces: Sequence[Tensor], device: torch.device) -> list[NDArray[np.uint8]]:
    """Label faces ``(3, S, S)``, as many at a time as are alike in size.

    The labels of a face do not depend on the others.

    Returns:
        For each face ``(S, S)`` class ids.
    """
    labels: list[NDArray[np.uint8] | None] = [None] * len(faces)
    for size in sorted({face.shape[-1] for face in faces}):
        places = [place for place, face in enumerate(faces) if face.shape[-1] == size]
        batch = torch.stack([faces[place] for place in places])
        logits: Tensor = parser(batch.to(device, memory_format=torch.channels_last))
        for place, classes in zip(places, logits.argmax(dim=1).to(torch.uint8).cpu().numpy(), strict=True):
            labels[place] = classes
    return [classes for classes in labels if classes is not None]


def label_file(labels: NDArray[np.uint8], size: int) -> bytes:
    """A label map as an 8-bit PNG file of ``size`` px, each pixel with the nearest one's class."""
    return png(labels if labels.shape[0] == size else resized_labels(labels, size))
