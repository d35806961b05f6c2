"""ImageNet weights for the parser's backbone, from a file that the user brings; nothing is downloaded."""

from pathlib import Path

from snadnet.models import checkpoint_io
from snadnet.models.bisenet.network import BiSeNet


def load_backbone(parser: BiSeNet, path: Path) -> None:
    """Load ImageNet weights of ResNet-18 into a parser's backbone, strictly; only the classifier is left out.

    Args:
        parser: One of full width.
        path: A ``.safetensors`` file or a state dict that ``torch.save`` wrote (read without running code), with
            torchvision's names.

    Raises:
        WeightsError: If the file is missing, unreadable or of another network; the message says where to get it.
    """
    source = "https://download.pytorch.org/models/resnet18-f37072fd.pth"
    checkpoint_io.load_backbone(parser.backbone, path, source=source, unused=("fc.",))
