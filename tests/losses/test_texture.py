import pytest
import torch

from snadnet.losses import TextureLoss
from snadnet.models.snadnet.texture_extractor import TextureExtractor


def textures(sharp: torch.Tensor) -> list[torch.Tensor]:
    """The right answers at 1, 1/2 and 1/4 of the size, with the halves as plain means of blocks of pixels."""
    height, width = sharp.shape[2:]
    blocks = [sharp.reshape(-1, 3, height // n, n, width // n, n).mean(dim=(3, 5)) for n in (1, 2, 4)]
    return [TextureExtractor()(image) for image in blocks]


def sharp_images(batch: int = 2, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.rand(batch, 3, 8, 12, generator=torch.Generator().manual_seed(6), dtype=torch.float64).to(dtype)


def test_right_textures_cost_nothing():
    sharp = sharp_images()
    assert TextureLoss()(textures(sharp), sharp).item() == pytest.approx(0, abs=1e-6)


def test_golden_value_is_summed_over_the_stages():
    sharp = sharp_images()
    full, half, quarter = textures(sharp)
    half = half + 0.25
    quarter = quarter.clone()
    quarter[0, 0, 0, 0] -= 3.6  # one of 2 * 3 * 2 * 3 values: 0.1
    loss = TextureLoss()([full + 1, half, quarter], sharp)
    assert loss.item() == pytest.approx(1 + 0.25 + 0.1, abs=1e-6)


def test_a_constant_image_asks_for_no_texture():
    predicted = [torch.full((1, 3, 4, 4), -0.5), torch.full((1, 3, 3, 3), 0.25)]
    assert TextureLoss()(predicted, torch.full((1, 3, 8, 8), 0.7)).item() == pytest.approx(0.75, abs=1e-5)


def test_no_stage_gives_zero():
    assert TextureLoss()([], sharp_images()).item() == 0


def test_the_loss_of_a_batch_is_the_mean_of_its_images():
    sharp = sharp_images(3)
    predicted = [torch.randn(3, 3, 8, 12), torch.randn(3, 3, 4, 6)]
    singles = [TextureLoss()([stage[i : i + 1] for stage in predicted], sharp[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(TextureLoss()(predicted, sharp), torch.stack(singles).mean())


def test_gradient():
    sharp = sharp_images(1, torch.float64)
    predicted = torch.randn(1, 3, 4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda texture: TextureLoss()([texture], sharp), (predicted,))


def test_half_precision_is_summed_in_float32():
    sharp = torch.zeros(1, 3, 300, 300)
    predicted = torch.full((1, 3, 300, 300), 0.5, dtype=torch.float16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = TextureLoss()([predicted], sharp)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(0.5)


@pytest.mark.parametrize("shape", [(1, 3, 8, 12), (2, 1, 8, 12), (2, 3, 16, 12)])
def test_predictions_that_do_not_fit_are_refused(shape):
    with pytest.raises(ValueError, match="predicted texture 0"):
        TextureLoss()([torch.zeros(shape)], sharp_images())
