"""ImageNet weights for the parser's ResNet-18, from a file that the user brings; nothing is downloaded."""

from pathlib import Path
from typing import Final

from snadnet.models import checkpoint_io
from snadnet.models.bisenet.network import BiSeNet

_SOURCE: Final = "https://download.pytorch.org/models/resnet18-f37072fd.pth"


def load_imagenet_backbone(parser: BiSeNet, path: Path) -> None:
    """Load ImageNet weights into a parser's backbone, strictly; only the classifier is left out.

    Args:
        parser: One of full width.
        path: A ``.safetensors`` file or a state dict that ``torch.save`` wrote (read without running code), with the
            names of torchvision's ResNet-18.

    Raises:
        WeightsError: If the file is missing, unreadable or of another network; the message says where to get it.
    """
    checkpoint_io.load_backbone(parser.backbone, path, source=_SOURCE, unused=("fc.",))
