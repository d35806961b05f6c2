"""zllrunning's parser, which the paper builds on: names, class order and enlargement."""

from pathlib import Path

import pytest
import torch
from torch import nn

from snadnet.errors import WeightsError
from snadnet.faces.classes import CLASS_NAMES
from snadnet.models.bisenet import BiSeNet
from snadnet.models.bisenet.network import IMAGENET_MEAN, IMAGENET_STD
from snadnet.models.convert import import_original
from support.original_bisenet import CLASSES, OriginalBiSeNet


@pytest.fixture(scope="module")
def original() -> OriginalBiSeNet:
    torch.manual_seed(0)
    network = OriginalBiSeNet()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return network.eval()


def imported(folder: Path, original: nn.Module, name: str) -> BiSeNet:
    torch.save(original.state_dict(), folder / "79999_iter.pth")
    result = import_original(name, [folder / "79999_iter.pth"])
    assert (result.counts.used, result.counts.unused) == (191, 0)
    assert isinstance(result.network, BiSeNet)
    return result.network


@torch.no_grad()
@pytest.mark.parametrize("size", [(64, 96), (81, 50)])
def test_the_imported_parser_computes_what_the_original_does(
    tmp_path: Path, original: OriginalBiSeNet, size: tuple[int, int]
) -> None:
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    expected = original((image - mean) / std)
    found = imported(tmp_path, original, "bisenet-released")(image)
    assert sorted(CLASSES) == sorted(CLASS_NAMES)
    for index, name in enumerate(CLASS_NAMES):
        torch.testing.assert_close(found[:, index], expected[:, CLASSES.index(name)], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_our_parser_takes_the_file_too_and_differs_in_the_enlargement_alone(
    tmp_path: Path, original: OriginalBiSeNet
) -> None:
    image = torch.rand(1, 3, 64, 64)
    ours, released = (imported(tmp_path, original, name) for name in ("bisenet", "bisenet-released"))
    assert all(value.equal(released.state_dict()[key]) for key, value in ours.state_dict().items())
    assert not torch.allclose(ours(image), released(image), atol=1e-2)
    ours.align_corners = True
    assert ours(image).equal(released(image))


def test_the_auxiliary_heads_have_our_classes_too(tmp_path: Path, original: OriginalBiSeNet) -> None:
    ours = imported(tmp_path, original, "bisenet")
    for head, theirs in ((ours.head16, original.conv_out16), (ours.head32, original.conv_out32)):
        nose, their_nose = CLASS_NAMES.index("nose"), CLASSES.index("nose")
        assert head[1].weight[nose].equal(theirs.conv_out.weight[their_nose])


def test_files_without_counters_are_taken(tmp_path: Path, original: OriginalBiSeNet) -> None:
    state = {key: value for key, value in original.state_dict().items() if "num_batches" not in key}
    torch.save(state, tmp_path / "old.pth")
    assert import_original("bisenet", [tmp_path / "old.pth"]).network.backbone.bn1.num_batches_tracked == 0


def test_another_network_is_refused(tmp_path: Path, original: OriginalBiSeNet) -> None:
    torch.save(original.cp.resnet.state_dict(), tmp_path / "resnet.pth")
    with pytest.raises(WeightsError, match=r"resnet\.pth: holds what the network does not have: conv1\.weight.*79999"):
        import_original("bisenet", [tmp_path / "resnet.pth"])
