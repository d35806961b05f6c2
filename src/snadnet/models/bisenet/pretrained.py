"""ImageNet weights for the parser's ResNet-18, from a file that the user brings; nothing is downloaded."""

from pathlib import Path
from typing import Final

from snadnet.errors import WeightsError
from snadnet.models.bisenet.network import BiSeNet
from snadnet.models.torch_file import read_brought_weights

_SOURCE: Final = "https://download.pytorch.org/models/resnet18-f37072fd.pth"
_CLASSIFIER: Final = "fc."


def load_imagenet_backbone(parser: BiSeNet, path: Path) -> None:
    """Load ImageNet weights into a parser's backbone, strictly; only the classifier is left out.

    Args:
        parser: One of full width.
        path: A ``.safetensors`` file or a state dict that ``torch.save`` wrote (read without running code), with the
            names of torchvision's ResNet-18.

    Raises:
        WeightsError: If the file is missing, unreadable or of another network; the message says where to get it.
    """
    remedy = f"get it from {_SOURCE}"
    state = read_brought_weights(path, what="ImageNet weights of ResNet-18", remedy=remedy)
    used = {name: tensor for name, tensor in state.items() if not name.startswith(_CLASSIFIER)}
    try:
        parser.backbone.load_state_dict(used, strict=True)
    except (RuntimeError, AttributeError) as error:  # the second for what is no tensor
        detail = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path}: holds no ResNet-18 weights of this width ({detail}); {remedy}") from error
