"""NAFNet: the authors' names for the parts of a block and for the levels."""

from snadnet.models.convert.layout import Layout, joined, numbered
from snadnet.models.nafnet import NAFNET_32, NAFNET_64, NAFNetConfig

_BLOCK = {
    "norm1": "mixing_norm.norm",
    "conv1": "mixing.expand",
    "conv2": "mixing.depthwise",
    "sca.1": "mixing.attention",
    "conv3": "mixing.project",
    "beta": "mixing_scale",
    "norm2": "feed_forward_norm.norm",
    "conv4": "feed_forward.expand",
    "conv5": "feed_forward.project",
    "gamma": "feed_forward_scale",
}


def nafnet(config: NAFNetConfig) -> Layout:
    """Return the layout of a network of these depths."""
    middle = numbered("middle_blks.{}", "middle.{}", config.middle_depth)
    renames = {"intro": "intro", "ending": "ending", **joined(middle, _BLOCK)}
    for level, depth in enumerate(config.encoder_depths):
        blocks = joined({f"encoders.{level}": f"encoder.{level}"}, numbered("{}", "{}", depth))
        renames |= {**joined(blocks, _BLOCK), f"downs.{level}": f"downsample.{level}"}
    for level, depth in enumerate(config.decoder_depths):
        blocks = joined({f"decoders.{level}": f"decoder.{level}"}, numbered("{}", "{}", depth))
        renames |= {**joined(blocks, _BLOCK), f"ups.{level}.0": f"upsample.{level}.0"}
    return Layout(
        files=f"NAFNet-GoPro-width{config.width}.pth",
        renames=renames,
        remedy=f"give the authors' network for GoPro of width {config.width}; those for other tasks differ in depth",
    )


LAYOUTS = {"nafnet-32": nafnet(NAFNET_32), "nafnet-64": nafnet(NAFNET_64)}
