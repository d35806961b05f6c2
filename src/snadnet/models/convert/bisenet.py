"""BiSeNet as zllrunning's face-parsing.PyTorch names it, the parser that the paper builds on."""

from typing import Final

from snadnet.faces.classes import CLASS_NAMES
from snadnet.models.convert.layout import Layout, joined

# Its classes are those of CelebAMask-HQ in the order in which that program painted the masks, not in the data set's.
_CLASSES: Final = (
    *("background", "skin", "left_brow", "right_brow", "left_eye", "right_eye", "glasses", "left_ear", "right_ear"),
    *("earring", "nose", "mouth", "upper_lip", "lower_lip", "neck", "necklace", "cloth", "hair", "hat"),
)
_ORDER: Final = tuple(_CLASSES.index(name) for name in CLASS_NAMES)

_CONVOLUTION = {"conv": "0", "bn": "1"}
_ATTENTION = {"conv.conv": "conv.0", "conv.bn": "conv.1", "conv_atten": "attention", "bn_atten": "attention_bn"}
_HEAD = {"conv.conv": "0.0", "conv.bn": "0.1", "conv_out": "1"}

BISENET = Layout(
    files="the parser's weights, 79999_iter.pth",
    renames={
        "cp.resnet": "backbone",
        **joined({"cp.arm16": "refine16", "cp.arm32": "refine32"}, _ATTENTION),
        **joined(
            {
                "cp.conv_avg": "average",
                "cp.conv_head16": "smooth16",
                "cp.conv_head32": "smooth32",
                "ffm.convblk": "fusion.conv",
            },
            _CONVOLUTION,
        ),
        "ffm.conv1": "fusion.squeeze",
        "ffm.conv2": "fusion.excite",
        **joined({"conv_out": "head", "conv_out16": "head16", "conv_out32": "head32"}, _HEAD),
    },
    rows=dict.fromkeys(("head.1.weight", "head16.1.weight", "head32.1.weight"), _ORDER),
    remedy="give 79999_iter.pth of zllrunning's face-parsing.PyTorch",
)

LAYOUTS = dict.fromkeys(("bisenet", "bisenet-released"), BISENET)
