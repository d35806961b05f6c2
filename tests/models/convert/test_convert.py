"""Released weights: every tensor of every family lands where it belongs."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snadnet.models.convert import Imported, import_original
from support import original_checkpoints as originals
from support import original_umsn


def save(folder: Path, files: Mapping[str, object]) -> list[Path]:
    for name, content in files.items():
        torch.save(dict(content) if isinstance(content, originals.Names) else content, folder / name)
    return [folder / name for name in files]


def imported(folder: Path, name: str, content: object) -> Imported:
    return import_original(name, save(folder, {"x.pth": content}))


def values(result: Imported) -> dict[str, float]:
    """The one number that each tensor of the network is full of."""
    state = result.network.state_dict()
    assert all((tensor == tensor.flatten()[0]).all() for tensor in state.values())
    return {name: float(tensor.flatten()[0]) for name, tensor in state.items()}


def landed(result: Imported, original: Mapping[str, Tensor], pairs: Mapping[str, str]) -> None:
    """Each of our tensors (left) holds the value of the original's (right)."""
    ours = values(result)
    assert {name: ours[name] for name in pairs} == {
        name: float(original[theirs].flatten()[0]) for name, theirs in pairs.items()
    }


def all_land(result: Imported, used: list[Tensor]) -> None:
    """All that the original uses is in ours, each once."""
    assert sorted(values(result).values()) == sorted({float(tensor.flatten()[0]) for tensor in used})


def registered(names: originals.Names) -> int:
    """How many trained numbers there are, those under two names counted once."""
    return names.parameters() - sum(names[name].numel() for name in names if doubled(name))


def doubled(name: str) -> bool:
    return name.startswith("fpn.enc") and name.endswith(("weight", "bias"))


def test_the_written_down_checkpoints_have_the_published_sizes() -> None:
    assert (len(originals.deblurgan()), originals.deblurgan().parameters()) == (117, 11_378_179)
    assert (len(originals.deblurganv2_inception()), registered(originals.deblurganv2_inception())) == (2384, 60_929_291)
    assert registered(originals.deblurganv2_mobilenet()) == 3_312_707
    assert sum(file.parameters() for file in originals.dmphn(3).values()) == 5_424_393
    assert sum(file.parameters() for file in originals.dmphn(4).values()) == 7_232_524
    mprnet = originals.mprnet()
    slopes = sum(name.endswith("body.1.weight") for name in mprnet)
    assert (len(mprnet), slopes, mprnet.parameters() - slopes + 1) == (316, 55, 20_127_073)
    assert original_umsn.deblurring().parameters() == 8_189_933
    assert original_umsn.segmentation().parameters() == 6_192_328


@pytest.mark.parametrize("name", ["deblurgan", "deblurgan-released-dropout"])
@pytest.mark.parametrize(("second", "statistics"), [(6, True), (5, True), (6, False)])
def test_deblurgan(tmp_path: Path, name: str, second: int, statistics: bool) -> None:
    original = originals.deblurgan(second=second, statistics=statistics)
    result = imported(tmp_path, name, original)
    pairs = {
        "stem.0.weight": "model.1.weight",
        "down.1.0.bias": "model.7.bias",
        "blocks.0.first.0.weight": "model.10.conv_block.1.weight",
        "blocks.8.second.0.weight": f"model.18.conv_block.{second}.weight",
        "up.1.0.weight": "model.22.weight",
        "head.bias": "model.26.bias",
    }
    landed(result, original, pairs)
    all_land(result, [value for key, value in original.items() if key.endswith(("weight", "bias"))])
    assert (result.counts.used, result.counts.unused) == (48, 69 if statistics else 0)


def test_deblurgan_of_one_convolution_a_block(tmp_path: Path) -> None:
    original = originals.deblurgan(second=None)
    result = imported(tmp_path, "deblurgan-released-block", original)
    landed(result, original, {"blocks.4.first.0.bias": "model.14.conv_block.1.bias"})
    assert result.counts.used == 30


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            *(nn.ReflectionPad2d(1), nn.Conv2d(256, 256, 3), nn.InstanceNorm2d(256, track_running_stats=True)),
            *(nn.ReLU(), nn.Identity()),  # dropout is off
            *(nn.ReflectionPad2d(1), nn.Conv2d(256, 256, 3), nn.InstanceNorm2d(256, track_running_stats=True)),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.conv_block(features)


class _DeblurGAN(nn.Module):
    """The published layers by their published numbers."""

    def __init__(self) -> None:
        super().__init__()

        def normed(convolution: nn.Module, channels: int) -> list[nn.Module]:
            return [convolution, nn.InstanceNorm2d(channels, track_running_stats=True), nn.ReLU()]

        up = {"stride": 2, "padding": 1, "output_padding": 1}
        self.model = nn.Sequential(
            *(nn.ReflectionPad2d(3), *normed(nn.Conv2d(3, 64, 7), 64)),
            *normed(nn.Conv2d(64, 128, 3, stride=2, padding=1), 128),
            *normed(nn.Conv2d(128, 256, 3, stride=2, padding=1), 256),
            *(_Block() for _ in range(9)),
            *normed(nn.ConvTranspose2d(256, 128, 3, **up), 128),
            *normed(nn.ConvTranspose2d(128, 64, 3, **up), 64),
            *(nn.ReflectionPad2d(3), nn.Conv2d(64, 3, 7), nn.Tanh()),
        )

    def forward(self, blurred: Tensor) -> Tensor:
        return (blurred + self.model(blurred)).clamp(-1, 1)


@torch.no_grad()
def test_deblurgan_computes_what_the_published_layers_do(tmp_path: Path) -> None:
    torch.manual_seed(0)
    published = _DeblurGAN()
    result = imported(tmp_path, "deblurgan", published.state_dict())
    blurred = torch.rand(1, 3, 32, 40) * 2 - 1
    expected = published(blurred)  # in training mode: the image's own statistics
    torch.testing.assert_close(result.network(blurred), expected, rtol=0, atol=1e-5)
    assert (expected - blurred).abs().max() > 0.1


def test_deblurganv2_on_inception(tmp_path: Path) -> None:
    original = originals.deblurganv2_inception()
    content = {"model": {f"module.{name}": tensor for name, tensor in original.items()}}
    result = imported(tmp_path, "deblurganv2-inception-released", content)
    pairs = {
        "pyramid.backbone.conv2d_1a.conv.weight": "fpn.inception.conv2d_1a.conv.weight",
        "pyramid.backbone.mixed_5b.branch3.1.bn.running_var": "fpn.enc3.0.branch3.1.bn.running_var",
        "pyramid.backbone.repeat.9.conv2d.bias": "fpn.inception.repeat.9.conv2d.bias",
        "pyramid.backbone.repeat_1.19.branch1.1.conv.weight": "fpn.enc4.0.19.branch1.1.conv.weight",
        "pyramid.laterals.0.weight": "fpn.lateral0.weight",
        "pyramid.laterals.4.weight": "fpn.lateral4.weight",
        "pyramid.merges.0.0.weight": "fpn.td1.0.weight",  # the coarsest
        "heads.0.0.weight": "head1.block0.weight",  # the finest
        "heads.3.2.weight": "head4.block1.weight",
        "smooth.0.bias": "smooth.0.bias",
        "final.weight": "final.weight",
    }
    landed(result, original, pairs)
    tail = ("repeat_2", "block8", "conv2d_7b", "last_linear")
    unused = [name for name in original if any(f"inception.{each}." in name for each in tail)]
    unused += [name for name in original if ".1.running" in name and name.startswith(("fpn.td", "smooth"))]
    unused += [name for name in original if name.endswith(".1.num_batches_tracked") and "bn" not in name]
    all_land(result, [tensor for name, tensor in original.items() if name not in unused])
    assert result.counts.unused == len(unused)


def test_deblurganv2_on_mobilenet(tmp_path: Path) -> None:
    original = originals.deblurganv2_mobilenet()
    result = imported(tmp_path, "deblurganv2-mobilenet", original)
    pairs = {
        "pyramid.backbone.features.0.1.weight": "fpn.features.0.1.weight",
        "pyramid.backbone.features.1.conv.0.0.weight": "fpn.features.1.conv.0.weight",
        "pyramid.backbone.features.1.conv.1.weight": "fpn.enc0.1.conv.3.weight",
        "pyramid.backbone.features.15.conv.1.1.running_mean": "fpn.features.15.conv.4.running_mean",
        "pyramid.backbone.features.15.conv.3.bias": "fpn.enc4.4.conv.7.bias",
        "pyramid.merges.2.0.bias": "fpn.td3.0.bias",
    }
    landed(result, original, pairs)
    # Of the three blocks left out: eight layers' and two layers' tensors; of five normalizations: statistics.
    assert result.counts.unused == 2 * (3 + 3 * 5) + 6 + 5 * 3


@pytest.mark.parametrize("levels", [3, 4])
def test_dmphn_from_a_folder_or_from_its_files(tmp_path: Path, levels: int) -> None:
    original = originals.dmphn(levels)
    paths = save(tmp_path, original)
    (tmp_path / "readme.txt").write_text("not read")
    name = "dmphn-1-2-4" if levels == 3 else "dmphn-1-2-4-8"
    for given in ([tmp_path], paths[::-1]):
        result = import_original(name, given)
        encoder, decoder = original["encoder_lv1.pkl"], original[f"decoder_lv{levels}.pkl"]
        landed(
            result,
            encoder,
            {
                "encoders.0.0.weight": "layer1.weight",
                "encoders.0.1.1.second.bias": "layer3.2.bias",
                "encoders.0.4.weight": "layer9.weight",
                "encoders.0.5.0.first.weight": "layer10.0.weight",
            },
        )
        landed(
            result,
            decoder,
            {
                f"decoders.{levels - 1}.0.1.first.weight": "layer14.0.weight",
                f"decoders.{levels - 1}.1.weight": "layer16.weight",
                f"decoders.{levels - 1}.4.0.second.weight": "layer21.2.weight",
                f"decoders.{levels - 1}.5.bias": "layer24.bias",
            },
        )
        all_land(result, [tensor for file in original.values() for tensor in file.values()])
        assert list(result.checksums) == sorted(original) if given == [tmp_path] else [*original][::-1]


@pytest.mark.parametrize("prefix", ["", "module."])
def test_mprnet(tmp_path: Path, prefix: str) -> None:
    original = originals.mprnet()
    content = {"epoch": 3000, "state_dict": {prefix + name: tensor for name, tensor in original.items()}}
    result = imported(tmp_path, "mprnet", content | {"optimizer": {"param_groups": [{"lr": 2e-4}]}})
    pairs = {
        "slope": "stage1_encoder.encoder_level1.0.body.1.weight",
        "shallow.2.conv.weight": "shallow_feat3.0.weight",
        "shallow.0.block.attention.excite.weight": "shallow_feat1.1.CA.conv_du.2.weight",
        "encoders.0.levels.2.1.first.weight": "stage1_encoder.encoder_level3.1.body.0.weight",
        "encoders.1.downsample.1.conv.weight": "stage2_encoder.down23.down.1.weight",
        "encoders.1.fusion.from_decoder.0.weight": "stage2_encoder.csff_dec1.weight",
        "decoders.0.upsample.0.conv.weight": "stage1_decoder.up21.up.1.weight",
        "decoders.1.skips.1.second.weight": "stage2_decoder.skip_attn2.body.2.weight",
        "attentions.1.attention_conv.weight": "sam23.conv3.weight",
        "original_resolution.blocks.2.blocks.7.second.weight": "stage3_orsnet.orb3.body.7.body.2.weight",
        "original_resolution.blocks.1.conv.weight": "stage3_orsnet.orb2.body.8.weight",
        "original_resolution.upsample_decoded.2.1.conv.weight": "stage3_orsnet.up_dec2.1.up.1.weight",
        "original_resolution.from_encoder.2.weight": "stage3_orsnet.conv_enc3.weight",
        "join_third.weight": "concat23.weight",
        "tail.weight": "tail.weight",
    }
    landed(result, original, pairs)
    all_land(result, list(original.values()))


@pytest.mark.parametrize("width", [32, 64])
def test_nafnet(tmp_path: Path, width: int) -> None:
    original = originals.nafnet(width)
    result = imported(tmp_path, f"nafnet-{width}", {"params": dict(original)})
    pairs = {
        "encoder.3.27.mixing.expand.weight": "encoders.3.27.conv1.weight",
        "encoder.0.0.mixing.depthwise.weight": "encoders.0.0.conv2.weight",
        "encoder.1.0.mixing.attention.bias": "encoders.1.0.sca.1.bias",
        "encoder.2.0.mixing_scale": "encoders.2.0.beta",
        "middle.0.feed_forward_scale": "middle_blks.0.gamma",
        "middle.0.mixing_norm.norm.weight": "middle_blks.0.norm1.weight",
        "decoder.0.0.feed_forward.expand.weight": "decoders.0.0.conv4.weight",
        "decoder.3.0.feed_forward_norm.norm.bias": "decoders.3.0.norm2.bias",
        "upsample.0.0.weight": "ups.0.0.weight",
        "downsample.3.bias": "downs.3.bias",
        "ending.weight": "ending.weight",
    }
    landed(result, original, pairs)
    all_land(result, list(original.values()))


@torch.no_grad()
def test_a_nafnet_block_computes_what_the_paper_s_does(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    place = "encoders.0.0."
    original = originals.nafnet(32)
    original |= {
        name: torch.randn(tensor.shape, generator=generator) / 4
        for name, tensor in original.items()
        if name.startswith(place)
    }
    block = imported(tmp_path, "nafnet-32", original).network.encoder[0][0]
    own = {name.removeprefix(place): tensor for name, tensor in original.items() if name.startswith(place)}

    def conv(features: Tensor, name: str, **options: int) -> Tensor:
        return F.conv2d(features, own[f"{name}.weight"], own[f"{name}.bias"], **options)

    def norm(features: Tensor, name: str) -> Tensor:
        rows = features.permute(0, 2, 3, 1)
        return F.layer_norm(rows, (32,), own[f"{name}.weight"], own[f"{name}.bias"], 1e-6).permute(0, 3, 1, 2)

    features = torch.randn(2, 32, 6, 8, generator=generator)
    left, right = conv(conv(norm(features, "norm1"), "conv1"), "conv2", padding=1, groups=64).chunk(2, dim=1)
    gated = left * right
    attended = gated * conv(gated.mean((2, 3), keepdim=True), "sca.1")
    first = features + own["beta"] * conv(attended, "conv3")
    left, right = conv(norm(first, "norm2"), "conv4").chunk(2, dim=1)
    expected = first + own["gamma"] * conv(left * right, "conv5")
    torch.testing.assert_close(block(features), expected, rtol=1e-4, atol=1e-4)


def test_files_of_old_pytorch_are_read(tmp_path: Path) -> None:
    path = tmp_path / "latest_net_G.pth"
    torch.save(dict(originals.deblurgan(statistics=False)), path, _use_new_zipfile_serialization=False)
    assert import_original("deblurgan", [path]).counts.used == 48


def test_half_precision_is_brought_to_ours(tmp_path: Path) -> None:
    original = {name: tensor.half() for name, tensor in originals.deblurgan(statistics=False).items()}
    assert imported(tmp_path, "deblurgan", original).network.head.weight.dtype == torch.float32
