"""The interface that all deblurring models share: any size and [0, 1] outside, the network's own rules inside."""

from dataclasses import replace
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from snadnet.errors import ModelError
from snadnet.models import Restorer, SizeRule, ValueRange, create_model, describe_model
from snadnet.models.bisenet import BiSeNet
from snadnet.models.descriptor import SIGNED, UNIT
from snadnet.models.layers.padding import pad_to_rule

ANY = replace(describe_model("snadnet-small"), size=SizeRule())


class Recorder(nn.Module):
    """Keeps what it was given and changes it by ``change``."""

    def __init__(self, change: float = 0.0) -> None:
        super().__init__()
        self.change = change
        self.seen = torch.empty(0)

    def forward(self, images: Tensor) -> Tensor:
        self.seen = images
        return images + self.change


@pytest.mark.parametrize(
    ("rule", "size", "padded"),
    [
        (SizeRule(), (33, 57), (33, 57)),
        (SizeRule.multiple_of(4), (33, 56), (36, 56)),
        (SizeRule(16, 8), (33, 33), (48, 40)),
        (SizeRule.multiple_of(32, smallest=128), (32, 129), (128, 160)),
    ],
)
def test_a_network_sees_only_sizes_it_takes_and_the_result_is_cropped(
    rule: SizeRule, size: tuple[int, int], padded: tuple[int, int]
) -> None:
    core = Recorder()
    images = torch.rand(2, 3, *size)
    torch.testing.assert_close(Restorer(core, replace(ANY, size=rule))(images), images, rtol=0, atol=0)
    assert core.seen.shape == (2, 3, *padded)


@pytest.mark.parametrize(("values", "low", "high"), [(UNIT, 0, 1), (SIGNED, -1, 1), (ValueRange(-0.5, 0.5), -0.5, 0.5)])
def test_a_network_sees_only_values_it_works_on(values: ValueRange, low: float, high: float) -> None:
    core = Recorder()
    images = torch.rand(1, 3, 32, 32)
    images[0, 0, 0, 0], images[0, 0, 0, 1] = 0.0, 1.0
    torch.testing.assert_close(Restorer(core, replace(ANY, values=values))(images), images, rtol=0, atol=1e-6)
    assert (core.seen.min().item(), core.seen.max().item()) == (low, high)


def test_results_are_clamped_except_in_training() -> None:
    model = Restorer(Recorder(0.5), ANY)
    images = torch.ones(1, 3, 32, 32)
    assert model.train()(images).max() == 1.5
    assert model.eval()(images).max() == 1.0


def test_of_several_outputs_the_restored_image_is_taken() -> None:
    class Output(NamedTuple):
        extra: Tensor
        restored: Tensor

    class Pair(nn.Module):
        def forward(self, images: Tensor) -> Output:
            return Output(images * 0, images)

    images = torch.rand(1, 3, 32, 32)
    assert Restorer(Pair(), ANY)(images).equal(images)


def test_images_below_32_px_are_refused() -> None:
    with pytest.raises(ModelError, match="32 px"):
        Restorer(Recorder(), ANY)(torch.rand(1, 3, 20, 64))


def test_a_parser_takes_any_size_by_itself() -> None:
    assert isinstance(create_model("bisenet-small"), BiSeNet)


def test_padding_mirrors_and_then_repeats() -> None:
    image = torch.arange(33.0).view(1, 1, 1, 33).expand(1, 1, 33, 33)
    padded = pad_to_rule(image, SizeRule.multiple_of(128))
    assert padded.shape == (1, 1, 128, 128)
    assert padded[0, 0, 0, 33].item() == 31.0  # mirrored without repeating the edge
    assert padded[0, 0, 0, 127].item() == 0.0  # beyond the mirror image its edge goes on


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (SizeRule(), "any"),
        (SizeRule.multiple_of(8), "8n"),
        (SizeRule(16, 8), "16n x 8n"),
        (SizeRule.multiple_of(32, smallest=128), "32n, from 128"),
    ],
)
def test_a_size_rule_in_words(rule: SizeRule, text: str) -> None:
    assert str(rule) == text
