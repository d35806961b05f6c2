"""MPRNet: one PReLU slope under the name of every block that uses it."""

from snadnet.models.convert.layout import Layout, Renames, joined, numbered

_BLOCK = {
    "body.0": "first",
    "body.2": "second",
    "CA.conv_du.0": "attention.squeeze",
    "CA.conv_du.2": "attention.excite",
}


def _blocks(modules: Renames) -> Renames:
    """Rename channel attention blocks; the slope is the whole network's."""
    return joined(modules, _BLOCK) | {f"{original}.body.1.weight": "slope" for original in modules}


_LEVELS = 3
_PAIR = numbered("{}", "{}", 2)


def _stage(number: int) -> Renames:
    encoder, decoder = f"stage{number}_encoder", f"stage{number}_decoder"
    ours_encoder, ours_decoder = f"encoders.{number - 1}", f"decoders.{number - 1}"
    encoded = numbered(f"{encoder}.encoder_level{{}}", f"{ours_encoder}.levels.{{}}", _LEVELS, start=1)
    decoded = numbered(f"{decoder}.decoder_level{{}}", f"{ours_decoder}.levels.{{}}", _LEVELS, start=1)
    return {
        **_blocks(joined(encoded, _PAIR)),
        f"{encoder}.down12.down.1": f"{ours_encoder}.downsample.0.conv",
        f"{encoder}.down23.down.1": f"{ours_encoder}.downsample.1.conv",
        **_blocks(joined(decoded, _PAIR)),
        f"{decoder}.up21.up.1": f"{ours_decoder}.upsample.0.conv",
        f"{decoder}.up32.up.1": f"{ours_decoder}.upsample.1.conv",
        **_blocks(numbered(f"{decoder}.skip_attn{{}}", f"{ours_decoder}.skips.{{}}", 2, start=1)),
    }


_FUSION = joined(
    {"stage2_encoder": "encoders.1.fusion"},
    {
        **numbered("csff_enc{}", "from_encoder.{}", _LEVELS, start=1),
        **numbered("csff_dec{}", "from_decoder.{}", _LEVELS, start=1),
    },
)
_ATTENTIONS = joined(
    {"sam12": "attentions.0", "sam23": "attentions.1"},
    {"conv1": "features_conv", "conv2": "residual_conv", "conv3": "attention_conv"},
)
_THIRD = "original_resolution"
_GROUPS = numbered("stage3_orsnet.orb{}", f"{_THIRD}.blocks.{{}}", 3, start=1)
_ORIGINAL_RESOLUTION = {
    **_blocks(joined(_GROUPS, numbered("body.{}", "blocks.{}", 8))),
    **joined(_GROUPS, {"body.8": "conv"}),
    **joined(
        {"stage3_orsnet": _THIRD},
        {
            **numbered("conv_enc{}", "from_encoder.{}", 3, start=1),
            **numbered("conv_dec{}", "from_decoder.{}", 3, start=1),
            "up_enc1.up.1": "upsample_encoded.1.conv",
            "up_dec1.up.1": "upsample_decoded.1.conv",
            **numbered("up_enc2.{}.up.1", "upsample_encoded.2.{}.conv", 2),
            **numbered("up_dec2.{}.up.1", "upsample_decoded.2.{}.conv", 2),
        },
    ),
}

MPRNET = Layout(
    files="the deblurring network, model_deblurring.pth",
    renames={
        **numbered("shallow_feat{}.0", "shallow.{}.conv", 3, start=1),
        **_blocks(numbered("shallow_feat{}.1", "shallow.{}.block", 3, start=1)),
        **_stage(1),
        **_stage(2),
        **_FUSION,
        **_ATTENTIONS,
        "concat12": "join_second",
        "concat23": "join_third",
        **_ORIGINAL_RESOLUTION,
        "tail": "tail",
    },
    remedy="give the authors' deblurring network; those for denoising and deraining differ",
)

LAYOUTS = {"mprnet": MPRNET}
