"""ImageNet weights for DeblurGAN-v2's backbones, from a file that the user brings; nothing is downloaded."""

from pathlib import Path
from typing import Final

from snadnet.models import checkpoint_io
from snadnet.models.deblurganv2.network import Generator

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
        WeightsError: If the file is missing, unreadable or of another network; the message says where to get it.
    """
    backbone = generator.pyramid.backbone
    kind = type(backbone).__name__
    checkpoint_io.load_backbone(backbone, path, source=_SOURCES[kind], unused=_UNUSED[kind])
