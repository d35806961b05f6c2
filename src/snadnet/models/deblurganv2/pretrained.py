"""ImageNet weights for the backbones, from a file that the user brings; nothing is downloaded."""

from pathlib import Path
from typing import Final

from snadnet.errors import WeightsError
from snadnet.models.deblurganv2.network import Generator
from snadnet.models.torch_file import read_brought_weights

_SOURCES: Final = {
    "InceptionResNetV2": "https://huggingface.co/timm/inception_resnet_v2.tf_in1k (model.safetensors)",
    "MobileNetV2": "https://download.pytorch.org/models/mobilenet_v2-b0353104.pth",
}
# The ends of the classifiers, which the pyramid does not use.
_UNUSED: Final = {
    "InceptionResNetV2": ("repeat_2.", "block8.", "conv2d_7b.", "classif.", "last_linear."),
    "MobileNetV2": ("features.16.", "features.17.", "features.18.", "classifier."),
}


def load_backbone(generator: Generator, path: Path) -> None:
    """Load ImageNet weights into a generator's backbone, strictly; only the classifier's end is left out.

    Args:
        generator: One of full backbone width.
        path: A ``.safetensors`` file or a state dict that ``torch.save`` wrote (read without running code), with the
            names of torchvision's MobileNetV2 or of timm's or Cadene's Inception-ResNet-v2.

    Raises:
        WeightsError: If the file is missing, unreadable or of another network; the message tells where to get it.
    """
    backbone = generator.pyramid.backbone
    kind = type(backbone).__name__
    remedy = f"get it from {_SOURCES[kind]}"
    state = read_brought_weights(path, what=f"ImageNet weights of {kind}", remedy=remedy)
    used = {name: tensor for name, tensor in state.items() if not name.startswith(_UNUSED[kind])}
    try:
        backbone.load_state_dict(used, strict=True)
    except (RuntimeError, AttributeError) as error:  # the second for what is no tensor
        detail = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path}: holds no {kind} weights of this width ({detail}); {remedy}") from error
