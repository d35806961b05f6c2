"""What a restored face leaves unexplained."""

import numpy as np
import pytest
import torch
from torch import Tensor

from snadnet.blur import apply_kernel, linear_kernel
from snadnet.models.wiener.consistency import consistency, noise_level

SIDE = 128
KERNEL = linear_kernel(11, 30.0)


@pytest.fixture
def sharp(portrait: np.ndarray) -> Tensor:
    small = portrait.reshape(SIDE, 2, SIDE, 2, 3).mean(axis=(1, 3)) / 255.0
    return torch.from_numpy(small).permute(2, 0, 1)[None].float()


def blurred(sharp: Tensor, noise: float) -> Tensor:
    result = torch.from_numpy(apply_kernel(sharp[0].permute(1, 2, 0).contiguous().numpy(), KERNEL))
    drawn = torch.randn(result.shape, generator=torch.Generator().manual_seed(2))
    return (result + noise * drawn).permute(2, 0, 1)[None]


def kernel() -> Tensor:
    return torch.from_numpy(np.pad(KERNEL, (49 - len(KERNEL)) // 2))[None].float()


@pytest.mark.parametrize("noise", [0.01, 0.03, 0.1])
def test_the_noise_of_a_blurred_face_is_told(sharp: Tensor, noise: float) -> None:
    assert float(noise_level(blurred(sharp, noise))) == pytest.approx(noise, rel=0.1)


def test_a_face_that_is_right_leaves_nothing_but_noise(sharp: Tensor) -> None:
    told = consistency(sharp, blurred(sharp, 0.03), kernel())
    assert float(told.unexplained) == pytest.approx(0.03, rel=0.05)
    assert float(told.excess) < 0.015


def test_a_face_that_is_wrong_leaves_more(sharp: Tensor) -> None:
    given = blurred(sharp, 0.01)
    right, soft, turned = (consistency(face, given, kernel()) for face in (sharp, given, sharp.flip(-1)))
    assert float(right.excess) < float(soft.excess) < float(turned.excess)


def test_each_face_of_a_batch_is_told_by_itself(sharp: Tensor) -> None:
    given = torch.cat((blurred(sharp, 0.01), blurred(sharp, 0.05)))
    together = consistency(sharp.expand(2, -1, -1, -1), given, kernel().expand(2, -1, -1))
    for place in range(2):
        alone = consistency(sharp, given[place : place + 1], kernel())
        torch.testing.assert_close(together.unexplained[place : place + 1], alone.unexplained)
        torch.testing.assert_close(together.noise[place : place + 1], alone.noise)
