"""The baselines' checkpoints as their authors saved them: names and shapes written down from the facts, not from ours.

Every tensor is filled with a number of its own, so that a test sees where it went; a file of them is a few kilobytes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


class Names(dict[str, Tensor]):
    """A state dict in the making; its values are the numbers from ``offset``."""

    def __init__(self, offset: int = 0) -> None:
        super().__init__()
        self.offset = offset

    @classmethod
    def like(cls, other: "Names", generator: torch.Generator) -> "Names":
        """Return the same names with drawn values, small and positive."""
        names = cls()
        for name, value in other.items():
            names[name] = torch.rand(value.shape, generator=generator).mul(0.1).to(value.dtype)
        return names

    def put(self, name: str, *shape: int, whole: bool = False) -> None:
        """Add a tensor with a value that no other has."""
        value = torch.tensor(self.offset + len(self) + 1)
        self[name] = (value if whole else value.float()).expand(shape)

    def conv(self, name: str, channels: int, out: int, kernel: int | tuple[int, int], *, bias: bool = True) -> None:
        """Add a convolution."""
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        self.put(f"{name}.weight", out, channels, *sides)
        if bias:
            self.put(f"{name}.bias", out)

    def raised(self, name: str, channels: int, out: int, kernel: int, *, bias: bool = True) -> None:
        """Add a transposed convolution."""
        self.put(f"{name}.weight", channels, out, kernel, kernel)
        if bias:
            self.put(f"{name}.bias", out)

    def statistics(self, name: str, channels: int) -> None:
        """Add what a normalization without an affine collects."""
        self.put(f"{name}.running_mean", channels)
        self.put(f"{name}.running_var", channels)
        self.put(f"{name}.num_batches_tracked", whole=True)

    def norm(self, name: str, channels: int) -> None:
        """Add a batch normalization."""
        self.put(f"{name}.weight", channels)
        self.put(f"{name}.bias", channels)
        self.statistics(name, channels)

    def parameters(self) -> int:
        """How many numbers are trained; tensors under several names count for each."""
        return sum(each.numel() for name, each in self.items() if not name.endswith(("_mean", "_var", "_tracked")))


def deblurgan(*, second: int | None = 6, statistics: bool = True) -> Names:
    names = Names()

    def norm(name: str, channels: int) -> None:
        if statistics:
            names.statistics(name, channels)

    for index, channels, out, kernel in ((1, 3, 64, 7), (4, 64, 128, 3), (7, 128, 256, 3)):
        names.conv(f"model.{index}", channels, out, kernel)
        norm(f"model.{index + 1}", out)
    for block in range(10, 19):
        for layer in (1,) if second is None else (1, second):
            names.conv(f"model.{block}.conv_block.{layer}", 256, 256, 3)
            norm(f"model.{block}.conv_block.{layer + 1}", 256)
    for index, channels, out in ((19, 256, 128), (22, 128, 64)):
        names.raised(f"model.{index}", channels, out, 3)
        norm(f"model.{index + 1}", out)
    names.conv("model.26", 64, 3, 7)
    return names


def _pyramid(names: Names, widths: Sequence[int], width: int) -> None:
    """Tensors of both DeblurGAN-v2 generators around their backbones; ``widths`` of their maps, finest first."""
    for level, channels in enumerate(widths):
        names.conv(f"fpn.lateral{level}", channels, width if level else width // 2, 1, bias=False)
    for step in (1, 2, 3):
        names.conv(f"fpn.td{step}.0", width, width, 3)
        names.statistics(f"fpn.td{step}.1", width)
    for head in (1, 2, 3, 4):
        names.conv(f"head{head}.block0", width, width // 2, 3, bias=False)
        names.conv(f"head{head}.block1", width // 2, width // 2, 3, bias=False)
    for name, channels, out in (("smooth", 2 * width, width // 2), ("smooth2", width // 2, width // 4)):
        names.conv(f"{name}.0", channels, out, 3)
        names.statistics(f"{name}.1", out)
    names.conv("final", width // 4, 3, 3)


def _inception(names: Names) -> None:
    """Inception-ResNet-v2 whole; see Szegedy et al. 2017 for the tail that the pyramid leaves out."""

    def unit(name: str, channels: int, out: int, kernel: int | tuple[int, int]) -> None:
        names.conv(f"{name}.conv", channels, out, kernel, bias=False)
        names.norm(f"{name}.bn", out)

    def branches(name: str, channels: int, *rows: Sequence[tuple[int, int | tuple[int, int]] | None]) -> None:
        for index, row in enumerate(rows):
            inside = channels
            for place, layer in enumerate(row):
                if layer is not None:  # pooling has no tensors, but a place
                    out, kernel = layer
                    branch = f"{name}.branch{index}"
                    unit(branch if len(row) == 1 else f"{branch}.{place}", inside, out, kernel)
                    inside = out

    unit("conv2d_1a", 3, 32, 3)
    unit("conv2d_2a", 32, 32, 3)
    unit("conv2d_2b", 32, 64, 3)
    unit("conv2d_3b", 64, 80, 1)
    unit("conv2d_4a", 80, 192, 3)
    branches("mixed_5b", 192, [(96, 1)], [(48, 1), (64, 5)], [(64, 1), (96, 3), (96, 3)], [None, (64, 1)])
    for index in range(10):
        branches(f"repeat.{index}", 320, [(32, 1)], [(32, 1), (32, 3)], [(32, 1), (48, 3), (64, 3)])
        names.conv(f"repeat.{index}.conv2d", 128, 320, 1)
    branches("mixed_6a", 320, [(384, 3)], [(256, 1), (256, 3), (384, 3)])
    for index in range(20):
        branches(f"repeat_1.{index}", 1088, [(192, 1)], [(128, 1), (160, (1, 7)), (192, (7, 1))])
        names.conv(f"repeat_1.{index}.conv2d", 384, 1088, 1)
    branches("mixed_7a", 1088, [(256, 1), (384, 3)], [(256, 1), (288, 3)], [(256, 1), (288, 3), (320, 3)])
    for name in (*(f"repeat_2.{index}" for index in range(9)), "block8"):
        branches(name, 2080, [(192, 1)], [(192, 1), (224, (1, 3)), (256, (3, 1))])
        names.conv(f"{name}.conv2d", 448, 2080, 1)
    unit("conv2d_7b", 2080, 1536, 1)
    names.put("last_linear.weight", 1000, 1536)
    names.put("last_linear.bias", 1000)


INCEPTION_STEPS = {
    "conv2d_1a": "enc0",
    "conv2d_2a": "enc1.0",
    "conv2d_2b": "enc1.1",
    "conv2d_3b": "enc2.0",
    "conv2d_4a": "enc2.1",
    "mixed_5b": "enc3.0",
    "repeat": "enc3.1",
    "mixed_6a": "enc3.2",
    "repeat_1": "enc4.0",
    "mixed_7a": "enc4.1",
}


def deblurganv2_inception() -> Names:
    backbone, names = Names(), Names()
    _inception(backbone)
    for name, tensor in backbone.items():
        names[f"fpn.inception.{name}"] = tensor
    for name, tensor in backbone.items():
        module, _, rest = name.partition(".")
        if module in INCEPTION_STEPS:
            names[f"fpn.{INCEPTION_STEPS[module]}.{rest}"] = tensor
    _pyramid(names, (32, 64, 192, 1088, 2080), 256)
    return names


# Expansion, channels, blocks of MobileNetV2's stages.
_MOBILE_STAGES = ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1))
MOBILE_STEPS = ((0, 2), (2, 4), (4, 7), (7, 11), (11, 16))


def deblurganv2_mobilenet() -> Names:
    backbone, names = Names(), Names()

    def unit(name: str, first: int, channels: int, out: int, kernel: int) -> None:
        backbone.conv(f"{name}.{first}", channels, out, kernel, bias=False)
        backbone.norm(f"{name}.{first + 1}", out)

    unit("0", 0, 3, 32, 3)
    channels, index = 32, 0
    for expansion, out, blocks in _MOBILE_STAGES:
        for _ in range(blocks):
            index, wide, layer = index + 1, expansion * channels, 0
            if expansion > 1:
                unit(f"{index}.conv", layer, channels, wide, 1)
                layer += 3  # a ReLU after each normalization but the last
            unit(f"{index}.conv", layer, 1, wide, 3)
            unit(f"{index}.conv", layer + 3, wide, out, 1)
            channels = out
    unit("18", 0, 320, 1280, 1)
    for name, tensor in backbone.items():
        names[f"fpn.features.{name}"] = tensor
    for name, tensor in backbone.items():
        place, _, rest = name.partition(".")
        for step, (start, end) in enumerate(MOBILE_STEPS):
            if start <= int(place) < end:
                names[f"fpn.enc{step}.{int(place) - start}.{rest}"] = tensor
    _pyramid(names, (16, 24, 32, 64, 160), 128)
    return names


def dmphn(levels: int) -> dict[str, Names]:
    """The names in each file."""
    files = {}
    for level in range(1, levels + 1):
        encoder, decoder = Names(1000 * level), Names(1000 * level + 500)
        for start, channels, out in ((1, 3, 32), (5, 32, 64), (9, 64, 128)):
            encoder.conv(f"layer{start}", channels, out, 3)
            for unit in (start + 1, start + 2):
                encoder.conv(f"layer{unit}.0", out, out, 3)
                encoder.conv(f"layer{unit}.2", out, out, 3)
        for start, channels in ((13, 128), (17, 64), (21, 32)):
            for unit in (start, start + 1):
                decoder.conv(f"layer{unit}.0", channels, channels, 3)
                decoder.conv(f"layer{unit}.2", channels, channels, 3)
            if start < 21:
                decoder.raised(f"layer{start + 3}", channels, channels // 2, 4)
        decoder.conv("layer24", 32, 3, 3)
        files |= {f"encoder_lv{level}.pkl": encoder, f"decoder_lv{level}.pkl": decoder}
    return files


SLOPE = 0.125


def mprnet() -> Names:
    names = Names()

    def block(name: str, channels: int) -> None:
        names.conv(f"{name}.CA.conv_du.0", channels, channels // 4, 1, bias=False)
        names.conv(f"{name}.CA.conv_du.2", channels // 4, channels, 1, bias=False)
        names.conv(f"{name}.body.0", channels, channels, 3, bias=False)
        names[f"{name}.body.1.weight"] = torch.full((1,), SLOPE)
        names.conv(f"{name}.body.2", channels, channels, 3, bias=False)

    for stage in (1, 2, 3):
        names.conv(f"shallow_feat{stage}.0", 3, 96, 3, bias=False)
        block(f"shallow_feat{stage}.1", 96)
    for stage in (1, 2):
        for coder in ("encoder", "decoder"):
            for level, channels in enumerate((96, 144, 192), start=1):
                for index in range(2):
                    block(f"stage{stage}_{coder}.{coder}_level{level}.{index}", channels)
        names.conv(f"stage{stage}_encoder.down12.down.1", 96, 144, 1, bias=False)
        names.conv(f"stage{stage}_encoder.down23.down.1", 144, 192, 1, bias=False)
        block(f"stage{stage}_decoder.skip_attn1", 96)
        block(f"stage{stage}_decoder.skip_attn2", 144)
        names.conv(f"stage{stage}_decoder.up21.up.1", 144, 96, 1, bias=False)
        names.conv(f"stage{stage}_decoder.up32.up.1", 192, 144, 1, bias=False)
    for level, channels in enumerate((96, 144, 192), start=1):
        names.conv(f"stage2_encoder.csff_enc{level}", channels, channels, 1, bias=False)
        names.conv(f"stage2_encoder.csff_dec{level}", channels, channels, 1, bias=False)
    for group in (1, 2, 3):
        for index in range(8):
            block(f"stage3_orsnet.orb{group}.body.{index}", 128)
        names.conv(f"stage3_orsnet.orb{group}.body.8", 128, 128, 3, bias=False)
        names.conv(f"stage3_orsnet.conv_enc{group}", 96, 128, 1, bias=False)
        names.conv(f"stage3_orsnet.conv_dec{group}", 96, 128, 1, bias=False)
    for coder in ("enc", "dec"):
        names.conv(f"stage3_orsnet.up_{coder}1.up.1", 144, 96, 1, bias=False)
        names.conv(f"stage3_orsnet.up_{coder}2.0.up.1", 192, 144, 1, bias=False)
        names.conv(f"stage3_orsnet.up_{coder}2.1.up.1", 144, 96, 1, bias=False)
    for sam in ("sam12", "sam23"):
        names.conv(f"{sam}.conv1", 96, 96, 1, bias=False)
        names.conv(f"{sam}.conv2", 96, 3, 1, bias=False)
        names.conv(f"{sam}.conv3", 3, 96, 1, bias=False)
    names.conv("concat12", 192, 96, 3, bias=False)
    names.conv("concat23", 192, 128, 3, bias=False)
    names.conv("tail", 128, 3, 3, bias=False)
    return names


def nafnet(width: int) -> Names:
    names = Names()

    def block(name: str, channels: int) -> None:
        names.put(f"{name}.beta", 1, channels, 1, 1)
        names.put(f"{name}.gamma", 1, channels, 1, 1)
        names.conv(f"{name}.conv1", channels, 2 * channels, 1)
        names.conv(f"{name}.conv2", 1, 2 * channels, 3)  # depthwise
        names.conv(f"{name}.conv3", channels, channels, 1)
        names.conv(f"{name}.sca.1", channels, channels, 1)
        names.conv(f"{name}.conv4", channels, 2 * channels, 1)
        names.conv(f"{name}.conv5", channels, channels, 1)
        for norm in ("norm1", "norm2"):
            names.put(f"{name}.{norm}.weight", channels)
            names.put(f"{name}.{norm}.bias", channels)

    names.conv("intro", 3, width, 3)
    names.conv("ending", width, 3, 3)
    for level, depth in enumerate((1, 1, 1, 28)):
        for index in range(depth):
            block(f"encoders.{level}.{index}", width * 2**level)
        names.conv(f"downs.{level}", width * 2**level, width * 2 ** (level + 1), 2)
    block("middle_blks.0", 16 * width)
    for level in range(4):
        channels = width * 2 ** (4 - level)
        names.conv(f"ups.{level}.0", channels, 2 * channels, 1, bias=False)
        block(f"decoders.{level}.0", channels // 2)
    return names
