"""UMSN's released weights: two files, and blocks that are known by their shapes alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from snadnet.errors import WeightsError
from snadnet.models.convert import Imported, import_original
from support import original_umsn
from support.original_checkpoints import Names


def imported(folder: Path, deblurring: Names, segmentation: Names, *unused: str, name: str = "umsn") -> Imported:
    torch.save(dict(deblurring), folder / "netG.pth")
    torch.save({f"module.{key}": value for key, value in segmentation.items()}, folder / "SMaps_Best.pth")
    return import_original(name, [folder / "netG.pth", folder / "SMaps_Best.pth"], unused=unused)


def check(result: Imported, deblurring: Names, segmentation: Names) -> None:
    state = result.network.state_dict()
    for original, pairs in (
        (
            deblurring,
            {
                "deblurring.streams.2.first.0.body.5.weight": "deblur_class3.b1.conv2.weight",
                "deblurring.streams.2.first.0.body.8.weight": "deblur_class3.b1.conv3.weight",
                "deblurring.streams.0.first.1.conv.weight": "deblur_class1.b2.conv1.weight",
                "deblurring.streams.0.middle.0.1.conv.weight": "deblur_class1.b4.conv1.weight",
                "deblurring.streams.0.middle.1.0.body.11.weight": "deblur_class1.b5.sharewconv.weight",
                "deblurring.streams.0.middle.1.1.conv.weight": "deblur_class1.b6.conv1.weight",
                "deblurring.streams.3.output_head.first.weight": "deblur_class4.refineclean1.weight",
                "deblurring.output_head.residual.bias": "refine3.bias",
                "deblurring.sides.heads.3.weight": "conv3_11.weight",
                "deblurring.refine_input_half_res.weight": "conv_refin_in64.weight",
                "confidence.first.1.2.weight": "conf_ker.conv2.conv1.weight",
                "confidence.repeated.8.weight": "conf_ker.conv3.conv3.weight",
                "confidence.between.conv.weight": "conf_ker.t3.conv1.weight",
                "confidence.last.conv.weight": "conf_ker.t4.conv1.weight",
            },
        ),
        (
            segmentation,
            {
                "segmentation.second.0.body.3.running_mean": "b3.bn2.running_mean",
                "segmentation.coarse.1.0.body.6.weight": "b7.bn3.weight",
                "segmentation.coarse.1.0.body.8.weight": "b7.sharewconv2.weight",
                "segmentation.fourth.0.skip.weight": "b11.conv_o.weight",
                "segmentation.fifth.body.9.weight": "b13.conv3.weight",
                "segmentation.maps_half_res.bias": "refine3_i.bias",
            },
        ),
    ):
        for ours, theirs in pairs.items():
            torch.testing.assert_close(state[ours], original[theirs], rtol=0, atol=0)


@pytest.mark.parametrize("name", ["umsn", "umsn-released"])
def test_both_files_fill_the_network(tmp_path: Path, name: str) -> None:
    deblurring, segmentation = original_umsn.deblurring(), original_umsn.segmentation()
    result = imported(tmp_path, deblurring, segmentation, name=name)
    check(result, deblurring, segmentation)
    found = sorted(float(tensor.flatten()[0]) for tensor in result.network.state_dict().values())
    dead = ("conv10", "sharewconv1", "conf_ker.conv4", "conf_ker.conv2.conv_o", "conf_ker.conv3.conv_o")
    unread = ("refineclean", "batchnorm")  # of the segmentation network
    used = [
        float(value.flatten()[0])
        for each, left_out in ((deblurring, dead), (segmentation, (*dead, *unread)))
        for key, value in each.items()
        if not any(part in key for part in left_out)
    ]
    assert found == sorted(used)
    # Four scopes and the network with four layers of two tensors, six filters, one block of four and two skips; and of
    # the segmentation network two convolutions and two normalizations.
    assert result.counts.unused == 5 * 4 * 2 + 6 + 4 + 2 + 2 * 2 + 2 * 5


def test_files_of_old_pytorch_without_counters_are_taken(tmp_path: Path) -> None:
    deblurring, segmentation = original_umsn.deblurring(), original_umsn.segmentation()
    for key in [key for key in segmentation if key.endswith("num_batches_tracked")]:
        del segmentation[key]
    result = imported(tmp_path, deblurring, segmentation)
    counters = [value for key, value in result.network.named_buffers() if key.endswith("num_batches_tracked")]
    assert counters
    assert all(value == 0 for value in counters)


def test_other_names_in_the_same_order_are_as_good(tmp_path: Path) -> None:
    def name(number: int) -> str:
        return f"stage{number // 2}_{number % 2 + 1}"

    deblurring, segmentation = original_umsn.deblurring(name), original_umsn.segmentation()
    result = imported(tmp_path, deblurring, segmentation)
    landed = result.network.state_dict()["deblurring.middle.3.1.conv.weight"]
    torch.testing.assert_close(landed, deblurring["stage6_2.conv1.weight"], rtol=0, atol=0)


def refused(folder: Path, message: str, change: Callable[[Names, Names], None], *unused: str) -> None:
    deblurring, segmentation = original_umsn.deblurring(), original_umsn.segmentation()
    change(deblurring, segmentation)
    with pytest.raises(WeightsError, match=message):
        imported(folder, deblurring, segmentation, *unused)


def test_an_order_that_contradicts_the_numbers_is_refused(tmp_path: Path) -> None:
    deblurring = original_umsn.deblurring(lambda number: f"b{100 - number}")
    with pytest.raises(WeightsError, match=r"SMaps_Best\.pth: netG\.b\d+ comes after netG\.b\d+ .* not certain"):
        imported(tmp_path, deblurring, original_umsn.segmentation())


def test_layers_that_are_not_known_are_named_and_can_be_left_out(tmp_path: Path) -> None:
    def add(_: Names, segmentation: Names) -> None:
        segmentation.conv("conv_extra", 3, 16, 3)

    refused(tmp_path, r"does not have: netS\.conv_extra\.weight, netS\.conv_extra\.bias; .*--unused", add)
    segmentation = original_umsn.segmentation()
    segmentation.conv("conv_extra", 3, 16, 3)
    result = imported(tmp_path, original_umsn.deblurring(), segmentation, "netS.conv_extra.*")
    assert result.counts.unused == 66 + 2


def test_of_blocks_too_many_none_is_chosen(tmp_path: Path) -> None:
    def add(deblurring: Names, _: Names) -> None:
        deblurring.raised("b99.conv1", 131, 64, 1, bias=False)

    refused(tmp_path, r"does not have: netG\.b5\.conv1\.weight, netG\.b99\.conv1\.weight;", add)


def test_one_of_the_two_files_is_not_enough(tmp_path: Path) -> None:
    torch.save(dict(original_umsn.deblurring()), tmp_path / "netG.pth")
    with pytest.raises(WeightsError, match=r"lacks what the network needs: .*segmentation"):
        import_original("umsn", [tmp_path / "netG.pth"])
    torch.save(dict(original_umsn.deblurring()), tmp_path / "again.pth")
    with pytest.raises(WeightsError, match=r"netG\.pth: holds deblur_class1.*another of the files"):
        import_original("umsn", [tmp_path / "again.pth", tmp_path / "netG.pth"])
