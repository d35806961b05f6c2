from itertools import pairwise

import pytest
import torch
from torch.nn.utils import parametrize

from snadnet.errors import ModelError
from snadnet.losses import discriminator_loss
from snadnet.models.snadnet.discriminator import DiscriminatorOutput, MultiPatchDiscriminator


def small_discriminator(image_size: int = 64, width: int = 4) -> MultiPatchDiscriminator:
    torch.manual_seed(10)
    return MultiPatchDiscriminator(image_size, width=width)


def images(size: int = 64, batch: int = 3) -> torch.Tensor:
    return torch.rand(batch, 3, size, size, generator=torch.Generator().manual_seed(11))


@pytest.mark.parametrize(
    ("size", "sides", "blocks"),
    [
        (64, (8, 4, 2), 5),
        (96, (12, 6, 3), 5),
        (128, (8, 4, 2), 6),
        (160, (10, 5, 3), 6),
        (224, (14, 7, 4), 6),
        (256, (8, 4, 2), 7),
    ],
)
def test_shapes_at_every_size(size, sides, blocks):
    discriminator = small_discriminator(size)
    output = discriminator(images(size, batch=2))
    assert [tuple(patch.shape) for patch in output.patches] == [(2, 1, side, side) for side in sides]
    assert output.score.shape == (2, 1)
    assert len(discriminator.blocks) == blocks


@pytest.mark.parametrize("size", [0, 32, 100, 144, 250])
def test_other_sizes_are_refused_with_a_remedy(size):
    with pytest.raises(ModelError, match=f"image_size {size} .*multiple of 32, at least 64"):
        MultiPatchDiscriminator(size)


def test_images_of_another_size_are_refused():
    for shape in ((1, 3, 128, 128), (1, 3, 64, 96), (1, 1, 64, 64), (3, 64, 64)):
        with pytest.raises(ModelError, match="this discriminator takes images of shape"):
            small_discriminator()(torch.zeros(shape))
    with pytest.raises(ModelError, match="width"):
        MultiPatchDiscriminator(64, width=1)


def test_weight_count():
    # Each block: half of its channels by 4x4, half by 3x3. Widths 4, 8, 16, 32, 32 for 64 px.
    widths = [3, 4, 8, 16, 32, 32]
    blocks = sum(before * after // 2 * (16 + 9) + after for before, after in pairwise(widths))
    heads = sum(9 * channels + 1 for channels in (16, 32, 32))
    dense = 2 * 2 * 32 + 1
    count = sum(parameter.numel() for parameter in small_discriminator().parameters())
    assert count == blocks + heads + dense


def test_every_layer_keeps_the_spectral_bound_also_after_training_steps():
    discriminator = small_discriminator()
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=1e-2)
    for _ in range(5):
        output = discriminator(images())
        optimizer.zero_grad()
        (output.score.mean() + sum(patch.square().mean() for patch in output.patches)).backward()
        optimizer.step()
    for _ in range(30):
        discriminator(images(batch=1))
    discriminator.eval()
    layers = [module for module in discriminator.modules() if parametrize.is_parametrized(module)]
    assert len(layers) == 5 * 2 + 3 + 1
    for layer in layers:
        weight = layer.weight.detach().flatten(1)
        assert torch.linalg.matrix_norm(weight, ord=2).item() == pytest.approx(1, abs=0.02)


def test_an_images_scores_do_not_depend_on_its_batch():
    discriminator = small_discriminator().eval()
    together, alone = discriminator(images()), discriminator(images()[1:2])
    torch.testing.assert_close(together.score[1:2], alone.score)
    for many, one in zip(together.patches, alone.patches, strict=True):
        torch.testing.assert_close(many[1:2], one)


def test_patches_see_further_from_map_to_map():
    discriminator = small_discriminator(256, width=2).eval()
    image = images(256, batch=1).requires_grad_()
    output = discriminator(image)
    reaches = []
    for patch in output.patches:
        middle = patch[0, 0, patch.shape[2] // 2, patch.shape[3] // 2]
        (gradient,) = torch.autograd.grad(middle, image, retain_graph=True)
        reaches.append((gradient.abs().sum(dim=(0, 1)) > 0).sum().item())
    assert reaches[0] < reaches[1] <= reaches[2] <= 256**2
    assert reaches[0] < 0.6 * 256**2


def test_black_and_white_are_mapped_to_minus_one_and_one():
    discriminator = small_discriminator().eval()
    seen = []
    discriminator.blocks[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    discriminator(torch.stack((torch.zeros(3, 64, 64), torch.ones(3, 64, 64))))
    assert torch.equal(seen[0][0].unique(), torch.tensor([-1.0]))
    assert torch.equal(seen[0][1].unique(), torch.tensor([1.0]))


def test_evaluation_changes_no_state_and_weights_round_trip():
    discriminator = small_discriminator()
    discriminator(images())
    discriminator.eval()
    before = {name: value.clone() for name, value in discriminator.state_dict().items()}
    expected = discriminator(images()).score
    assert all(torch.equal(value, before[name]) for name, value in discriminator.state_dict().items())
    other = MultiPatchDiscriminator(64, width=4).eval()
    other.load_state_dict(before)
    assert torch.equal(other(images()).score, expected)


@pytest.mark.parametrize("odd_size", [64, 160])
def test_bfloat16_autocast_agrees_with_float32(odd_size):
    discriminator = small_discriminator(odd_size).eval()
    exact = discriminator(images(odd_size))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = discriminator(images(odd_size))
    for a, b in zip((*exact.patches, exact.score), (*rough.patches, rough.score), strict=True):
        torch.testing.assert_close(b.float(), a, rtol=0.05, atol=0.02)


def test_it_learns_to_tell_sharp_from_smooth():
    discriminator = small_discriminator(width=8)
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    generator = torch.Generator().manual_seed(12)
    losses = []
    for _ in range(15):
        sharp = torch.rand(4, 3, 64, 64, generator=generator)
        smooth = torch.nn.functional.avg_pool2d(sharp, 5, stride=1, padding=2, count_include_pad=False)
        output = discriminator(torch.cat((sharp, smooth)))
        halves = [value.chunk(2) for value in (*output.patches, output.score)]
        real, fake = (DiscriminatorOutput(tuple(h[i] for h in halves[:3]), halves[3][i]) for i in (0, 1))
        loss = discriminator_loss(fake, real)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(2.4 * 0.6931, rel=0.1)
    assert losses[-1] < 0.5 * losses[0]
