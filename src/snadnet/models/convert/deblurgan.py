"""DeblurGAN: one sequence of numbered layers."""

from snadnet.models.convert.layout import Layout, joined, numbered

# The second convolution of a residual block comes a place earlier where dropout was off.
_BLOCK = {
    "conv_block.1": "first.0",
    "conv_block.6": "second.0",
    "conv_block.5": "second.0",
}

DEBLURGAN = Layout(
    files="the generator, latest_net_G.pth",
    renames={
        "model.1": "stem.0",
        "model.4": "down.0.0",
        "model.7": "down.1.0",
        **joined(numbered("model.{}", "blocks.{}", 9, start=10), _BLOCK),
        "model.19": "up.0.0",
        "model.22": "up.1.0",
        "model.26": "head",
    },
    # The published results come from each image's own statistics.
    unused=("*.running_mean", "*.running_var", "*.num_batches_tracked"),
    remedy="weights with two convolutions in a residual block are deblurgan's, with one deblurgan-released-block's",
)

LAYOUTS = dict.fromkeys(("deblurgan", "deblurgan-released-block", "deblurgan-released-dropout"), DEBLURGAN)
