"""DeblurGAN-v2: the published networks' sizes and costs, the release's statistics, and backbone files."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import mobilenet_v2

from snadnet.errors import WeightsError
from snadnet.models import create_model, create_network
from snadnet.models.deblurganv2 import DoubleScaleCritic, Generator, GeneratorConfig, load_backbone
from snadnet.models.deblurganv2.inception import InceptionResNetV2
from support.deblurring_model_checks import DeblurringModelChecks, assert_costs, shaken

SMALL = GeneratorConfig("mobilenet-v2", pyramid_width=16, backbone_width=0.25)


class TestInception(DeblurringModelChecks):
    name = "deblurganv2-inception-tiny"
    side = 128


class TestMobileNet(DeblurringModelChecks):
    name = "deblurganv2-mobilenet-tiny"


def test_networks_have_the_published_size_and_cost() -> None:
    assert_costs("deblurganv2-inception", parameters=35_840_099, gigamacs=17.52)
    assert_costs("deblurganv2-mobilenet", parameters=2_106_627, gigamacs=2.71)


def test_inception_gives_the_published_maps() -> None:
    with torch.device("meta"):
        maps = InceptionResNetV2()(torch.empty(1, 3, 256, 256))
    assert [tuple(one.shape[1:3]) for one in maps] == [(32, 127), (64, 62), (192, 29), (1088, 14), (2080, 6)]


def test_widths_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="whole number"):
        InceptionResNetV2(0.3)


def test_the_released_statistics_are_those_of_training_and_of_each_image() -> None:
    torch.manual_seed(0)
    paper = Generator(SMALL)
    released = Generator(GeneratorConfig("mobilenet-v2", 16, 0.25, image_statistics=True)).eval()
    shaken(paper)
    released.load_state_dict(paper.state_dict())
    blurred = torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        one_by_one = torch.cat([paper.train()(image[None]) for image in blurred])
        torch.testing.assert_close(released(blurred), one_by_one, rtol=0, atol=1e-3)
        fixed = {name: value.clone() for name, value in released.state_dict().items()}
        released(blurred)
        assert (paper.eval()(blurred) - one_by_one).abs().max() > 0.01
    assert all(value.equal(fixed[name]) for name, value in released.state_dict().items())


@torch.no_grad()
@pytest.mark.parametrize(("size", "padded"), [((64, 64), (96, 96)), ((75, 33), (96, 64)), ((95, 32), (96, 64))])
def test_the_released_networks_pad_as_the_released_program_does(size: tuple[int, int], padded: tuple[int, int]) -> None:
    torch.manual_seed(0)
    plain = Generator(replace(SMALL, image_statistics=True)).eval()
    released = Generator(replace(SMALL, image_statistics=True, pads_as_released=True)).eval()
    shaken(plain)
    released.load_state_dict(plain.state_dict())
    blurred = torch.rand(1, 3, *size) * 2 - 1
    # Mid-grey at the right and bottom, always at least one pixel.
    grey = torch.zeros(1, 3, *padded)
    grey[..., : size[0], : size[1]] = blurred
    assert released(blurred).equal(plain(grey)[..., : size[0], : size[1]])
    if size == (64, 64):
        assert (plain(blurred) - released(blurred)).abs().mean() > 0.001
        assert released.train()(blurred).equal(plain.train()(blurred))


def test_a_released_network_costs_what_the_released_program_does_at_256_px() -> None:
    # It runs 288 x 288 px.
    assert_costs("deblurganv2-inception-released", parameters=35_840_099, gigamacs=22.5)
    for name in ("deblurganv2-inception-released", "deblurganv2-mobilenet-released"):
        with torch.device("meta"):
            assert create_model(name).eval()(torch.empty(1, 3, 40, 75)).shape == (1, 3, 40, 75)


def test_the_critic_judges_patches_and_the_whole() -> None:
    with torch.device("meta"):
        critic = DoubleScaleCritic()
        scores = critic(torch.empty(2, 3, 256, 256))
        assert sum(value.numel() for value in critic.parameters()) == 2_764_737 + 11_154_369
    assert scores.patch.shape == (2, 1, 35, 35)
    assert scores.full.shape == (2, 1, 11, 11)


def test_a_mobilenet_file_fills_the_backbone(tmp_path: Path) -> None:
    torch.manual_seed(0)
    published = mobilenet_v2(weights=None)
    torch.save(published.state_dict(), tmp_path / "mobilenet.pth")
    generator = create_network("deblurganv2-mobilenet")
    assert isinstance(generator, Generator)
    load_backbone(generator, tmp_path / "mobilenet.pth")
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        expected = published.eval().features[:16](images)
        torch.testing.assert_close(generator.eval().pyramid.backbone(images)[-1], expected, rtol=0, atol=0)


def test_an_inception_file_fills_the_backbone(tmp_path: Path) -> None:
    generator = Generator(GeneratorConfig("inception-resnet-v2", pyramid_width=8, backbone_width=0.125))
    state = {name: torch.full_like(value, 3) for name, value in generator.pyramid.backbone.state_dict().items()}
    tail = {"repeat_2.0.conv2d.bias": torch.zeros(1), "last_linear.weight": torch.zeros(1)}
    save_file(state | tail, tmp_path / "inception.safetensors")
    load_backbone(generator, tmp_path / "inception.safetensors")
    assert all((value == 3).all() for value in generator.pyramid.backbone.state_dict().values())


def test_files_that_do_not_fit_are_refused_with_a_place_to_get_the_right_one(tmp_path: Path) -> None:
    generator = Generator(SMALL)
    torch.save(mobilenet_v2(weights=None).state_dict(), tmp_path / "wide.pth")
    torch.save({"features.0.0.weight": "no tensor"}, tmp_path / "text.pth")
    (tmp_path / "noise.safetensors").write_bytes(b"noise")
    for name in ("none.pth", "wide.pth", "text.pth", "noise.safetensors"):
        with pytest.raises(WeightsError, match=rf"{name}.*mobilenet_v2-b0353104\.pth"):
            load_backbone(generator, tmp_path / name)
    (tmp_path / "noise.pth").write_bytes(b"noise")
    with pytest.raises(WeightsError, match=r"noise\.pth"):
        load_backbone(generator, tmp_path / "noise.pth")
