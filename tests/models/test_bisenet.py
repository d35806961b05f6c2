"""The face parser."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import resnet18

from snadnet.errors import WeightsError
from snadnet.models.bisenet import BiSeNet, ParsingLogits, load_imagenet_backbone


def test_has_the_published_number_of_parameters() -> None:
    assert sum(p.numel() for p in BiSeNet().parameters()) == 13_300_416


@pytest.mark.parametrize("size", [(33, 50), (64, 64), (160, 160)])
def test_logits_have_the_size_of_the_image(size: tuple[int, int]) -> None:
    with torch.no_grad():
        assert BiSeNet(0.0625).eval()(torch.rand(2, 3, *size)).shape == (2, 19, *size)


def test_training_gives_three_heads_and_gradients_to_all_weights() -> None:
    parser = BiSeNet(0.0625).train()
    heads = parser(torch.rand(2, 3, 64, 64))
    assert isinstance(heads, ParsingLogits)
    assert [head.shape[-1] for head in heads] == [64, 8, 4]
    torch.stack([head.square().mean() for head in heads]).sum().backward()
    assert [name for name, p in parser.named_parameters() if p.grad is None] == []


def test_evaluation_does_not_depend_on_the_batch() -> None:
    parser = BiSeNet(0.0625).eval()
    images = torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(parser(images)[1:2], parser(images[1:2]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_probabilities_are_the_softmax_of_the_logits(scale: float, align_corners: bool) -> None:
    parser = BiSeNet(0.0625, align_corners=align_corners).eval()
    with torch.no_grad():
        parser.head[-1].weight *= scale
        images = torch.rand(2, 3, 40, 64)
        expected = torch.softmax(parser(images), dim=1)
        torch.testing.assert_close(parser.probabilities(images), expected, rtol=1e-3, atol=1e-5)


def test_probabilities_between_two_pixels_that_are_too_sure_are_none_rather_than_no_numbers() -> None:
    parser = BiSeNet(0.0625).eval()
    with torch.no_grad():
        parser.head[-1].weight *= 1e6
        found = parser.probabilities(torch.rand(1, 3, 40, 64)).sum(dim=1)
    assert found.ge(0.0).all()
    assert found.le(1.0 + 1e-5).all()


@pytest.mark.parametrize("width", [0.0, 0.1, 0.03125])
def test_widths_that_do_not_divide_are_refused(width: float) -> None:
    with pytest.raises(ValueError, match="multiple of 4"):
        BiSeNet(width)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_resnet_file_fills_the_backbone(tmp_path: Path, suffix: str) -> None:
    torch.manual_seed(0)
    published, parser, path = resnet18(weights=None).eval(), BiSeNet().eval(), tmp_path / f"resnet18{suffix}"
    (torch.save if suffix == ".pth" else save_file)(published.state_dict(), path)
    load_imagenet_backbone(parser, path)
    images = torch.rand(1, 3, 64, 64)
    layers = nn.Sequential(*list(published.children())[:-2])
    with torch.no_grad():
        torch.testing.assert_close(parser.backbone(images)[-1], layers(images), rtol=0, atol=0)


def test_backbone_files_that_do_not_fit_are_refused_with_a_place_to_get_the_right_one(tmp_path: Path) -> None:
    torch.save(resnet18(weights=None).state_dict(), tmp_path / "wide.pth")
    (tmp_path / "page.pth").write_bytes(b"<html>")
    for name, parser in (("wide.pth", BiSeNet(0.25)), ("none.pth", BiSeNet(0.25))):
        with pytest.raises(WeightsError, match=rf"{name}.*resnet18-f37072fd\.pth"):
            load_imagenet_backbone(parser, tmp_path / name)
    with pytest.raises(WeightsError, match=r"page\.pth: is a web page"):
        load_imagenet_backbone(BiSeNet(0.25), tmp_path / "page.pth")
