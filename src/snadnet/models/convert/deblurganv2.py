"""DeblurGAN-v2: the backbone twice, under its own names and as the pyramid's steps, and the pyramid."""

from snadnet.models.convert.layout import Layout, Renames, joined, numbered

_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")

# The laterals are numbered from the finest map, the merges from the coarsest; both as ours.
_PYRAMID = {
    **numbered("fpn.lateral{}", "pyramid.laterals.{}", 5),
    **numbered("fpn.td{}.0", "pyramid.merges.{}.0", 3, start=1),
    **joined(numbered("head{}", "heads.{}", 4, start=1), {"block0": "0", "block1": "2"}),
    "smooth.0": "smooth.0",
    "smooth2.0": "smooth2.0",
    "final": "final",
}
# Instance normalization collects statistics that the release, always in training mode, does not use.
_COLLECTED = tuple(f"{layer}.1.{name}" for layer in ("fpn.td?", "smooth", "smooth2") for name in _STATISTICS)

_INCEPTION_STEPS = {
    "enc0": "conv2d_1a",
    "enc1.0": "conv2d_2a",
    "enc1.1": "conv2d_2b",
    "enc2.0": "conv2d_3b",
    "enc2.1": "conv2d_4a",
    "enc3.0": "mixed_5b",
    "enc3.1": "repeat",
    "enc3.2": "mixed_6a",
    "enc4.0": "repeat_1",
    "enc4.1": "mixed_7a",
}

INCEPTION = Layout(
    files="the generator on Inception-ResNet-v2, fpn_inception.h5",
    renames={
        **_PYRAMID,
        "fpn.inception": "pyramid.backbone",
        **joined({"fpn": "pyramid.backbone"}, _INCEPTION_STEPS),
    },
    unused=(
        *_COLLECTED,
        *(f"fpn.inception.{tail}.*" for tail in ("repeat_2", "block8", "conv2d_7b", "last_linear")),
    ),
    remedy="give fpn_inception.h5; the generator on MobileNetV2 is deblurganv2-mobilenet",
)


_STAGES = ((0, 2), (2, 4), (4, 7), (7, 11), (11, 16))


def _mobilenet() -> Renames:
    """One row of layers a block in the authors' MobileNetV2; torchvision's puts convolutions with a norm into pairs."""
    first = {"0": "0", "1": "1"}
    narrow = {"conv.0": "conv.0.0", "conv.1": "conv.0.1", "conv.3": "conv.1", "conv.4": "conv.2"}
    block = {
        "conv.0": "conv.0.0",
        "conv.1": "conv.0.1",
        "conv.3": "conv.1.0",
        "conv.4": "conv.1.1",
        "conv.6": "conv.2",
        "conv.7": "conv.3",
    }
    renames: dict[str, str] = {}
    for step, (start, end) in enumerate(_STAGES):
        for index in range(start, end):
            layers = (first, narrow, block)[min(index, 2)]
            ours = f"pyramid.backbone.features.{index}"
            for theirs in (f"fpn.features.{index}", f"fpn.enc{step}.{index - start}"):
                renames |= joined({theirs: ours}, layers)
    return renames


MOBILENET = Layout(
    files="the generator on MobileNetV2, fpn_mobilenet.h5",
    renames={**_PYRAMID, **_mobilenet()},
    unused=(*_COLLECTED, *(f"fpn.features.{index}.*" for index in (16, 17, 18))),
    remedy="give fpn_mobilenet.h5; the generator on Inception-ResNet-v2 is deblurganv2-inception",
)

LAYOUTS = {
    **dict.fromkeys(("deblurganv2-inception", "deblurganv2-inception-released"), INCEPTION),
    **dict.fromkeys(("deblurganv2-mobilenet", "deblurganv2-mobilenet-released"), MOBILENET),
}
