"""Features of networks that were trained to recognize, by which restored and true images are compared.

Their weights are files that the user brings; nothing is downloaded.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import vgg16, vgg19

from snadnet.errors import WeightsError
from snadnet.losses.precision import at_least_float32
from snadnet.models.checkpoint_io import read_state


@dataclass(frozen=True)
class FeatureSource:
    """A network whose features are compared, and what it wants to see.

    Attributes:
        title: What it is called.
        origin: Where its weights are to be had.
        deep: Whether it is a VGG of 19 layers, or one of 16.
        mean: Of its training images, RGB in ``[0, 1]``.
        deviation: What it divides by, after the mean is taken away.
    """

    title: str
    origin: str
    deep: bool
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    def layers(self, count: int) -> nn.Sequential:
        """Build its first ``count`` layers without memory; weights are to be assigned."""
        with torch.device("meta"):
            layers = (vgg19 if self.deep else vgg16)(weights=None, init_weights=False).features[:count]
        assert isinstance(layers, nn.Sequential)
        for layer in layers:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False  # what it would overwrite is compared
        return layers


VGG_19: Final = FeatureSource(
    "VGG-19 (ImageNet)",
    "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    deep=True,
    mean=(0.485, 0.456, 0.406),
    deviation=(0.229, 0.224, 0.225),
)
VGG_FACE: Final = FeatureSource(
    "VGG-Face",
    "https://www.robots.ox.ac.uk/~albanie/pytorch-models.html (vgg_face_dag.pth)",
    deep=False,
    # It was trained on values up to 255 without dividing them.
    mean=(129.1863 / 255, 104.7624 / 255, 93.5940 / 255),
    deviation=(1 / 255, 1 / 255, 1 / 255),
)


class FeatureExtractor(nn.Module):
    """Frozen features of images in ``[0, 1]``.

    Args:
        source: The network.
        indices: Of the layers, in torchvision's counting, whose outputs are returned; ascending.
        path: Weights, as ``.safetensors`` or a state dict that ``torch.save`` wrote, with torchvision's names
            (``features.0.weight``) or the authors' (``conv1_1.weight``).

    Raises:
        WeightsError: If the file is missing, unreadable or of another network; the message says where to get it.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, source: FeatureSource, indices: Sequence[int], path: Path) -> None:
        super().__init__()
        self.indices = tuple(indices)
        self.layers = source.layers(self.indices[-1] + 1)
        _load(self.layers, source, path)
        self.requires_grad_(False)
        self.eval()
        base = next(self.layers.parameters())
        self.register_buffer("mean", base.new_tensor(source.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", base.new_tensor(source.deviation).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the features of RGB ``(B, 3, H, W)`` in ``[0, 1]``, finest first."""
        features = (at_least_float32(images) - self.mean) / self.deviation
        found = []
        for index, layer in enumerate(self.layers):
            features = layer(features)
            if index in self.indices:
                found.append(features)
        return found


def _load(layers: nn.Sequential, source: FeatureSource, path: Path) -> None:
    remedy = f"get it from {source.origin}"
    state = read_state(path, what=f"weights of {source.title}", remedy=remedy)
    named = {_place(name, layers): tensor for name, tensor in state.items()}
    wanted = {name: named[name] for name in layers.state_dict() if name in named}
    try:
        layers.load_state_dict(wanted, strict=True, assign=True)
    except (RuntimeError, AttributeError) as error:  # the second for what is no tensor
        detail = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path}: holds no weights of {source.title} ({detail}); {remedy}") from error


def _place(name: str, layers: nn.Sequential) -> str:
    """Return the name of a tensor of a weights file among ``layers``; of others, what it was."""
    authors = re.fullmatch(r"conv(\d)_(\d)\.(weight|bias)", name)
    if authors is None:
        return name.removeprefix("features.")
    block, number = 1, 0
    for index, layer in enumerate(layers):
        if isinstance(layer, nn.MaxPool2d):
            block, number = block + 1, 0
        elif isinstance(layer, nn.Conv2d):
            number += 1
            if (str(block), str(number)) == authors.group(1, 2):
                return f"{index}.{authors.group(3)}"
    return name


def feature_error(extractor: FeatureExtractor, restored: Tensor, sharp: Tensor) -> Tensor:
    """Mean squared difference of features, summed over the layers; images ``(B, 3, H, W)`` in ``[0, 1]``."""
    pairs = zip(extractor(restored), extractor(sharp), strict=True)
    return torch.stack([F.mse_loss(first, second) for first, second in pairs]).sum()
