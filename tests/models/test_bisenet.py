"""The face parser."""

import pytest
import torch

from snadnet.models.bisenet import BiSeNet, ParsingLogits


def test_has_the_published_number_of_parameters() -> None:
    assert sum(p.numel() for p in BiSeNet().parameters()) == 13_300_416


@pytest.mark.parametrize("size", [(33, 50), (64, 64), (160, 160)])
def test_logits_have_the_size_of_the_picture(size: tuple[int, int]) -> None:
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


@pytest.mark.parametrize("width", [0.0, 0.1, 0.03125])
def test_widths_that_do_not_divide_are_refused(width: float) -> None:
    with pytest.raises(ValueError, match="multiple of 4"):
        BiSeNet(width)
