import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snadnet.models.snadnet.texture_extractor import TextureExtractor


def test_a_single_bright_pixel_gives_the_kernel_itself():
    image = torch.zeros(1, 3, 5, 5)
    image[0, 1, 2, 2] = 1.0
    texture = TextureExtractor()(image)
    expected = torch.zeros(3, 5, 5)
    expected[1, 1:4, 1:4] = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])
    assert torch.equal(texture[0], expected)


def test_the_border_is_mirrored_without_repeating_the_edge():
    row = torch.tensor([1.0, 2.0, 4.0, 8.0])
    texture = TextureExtractor()(row.expand(1, 3, 3, 4))
    # Second differences of 2 | 1 2 4 8 | 4.
    assert torch.equal(texture[0, 0, 1], torch.tensor([2.0, 1.0, 2.0, -8.0]))


@given(level=st.floats(0, 1), height=st.integers(2, 9), width=st.integers(2, 9))
@settings(max_examples=25, deadline=None)
def test_a_constant_image_has_no_texture_anywhere(level, height, width):
    texture = TextureExtractor()(torch.full((2, 3, height, width), level))
    assert texture.shape == (2, 3, height, width)
    assert texture.abs().max() < 1e-6


def test_it_is_linear_and_leaves_a_ramp_empty_inside():
    extractor = TextureExtractor()
    generator = torch.Generator().manual_seed(1)
    a, b = torch.rand(2, 2, 3, 6, 7, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(extractor(2 * a - 3 * b), 2 * extractor(a) - 3 * extractor(b))
    ramp = torch.arange(49, dtype=torch.float64).reshape(1, 1, 7, 7).expand(1, 3, 7, 7)
    assert extractor(ramp)[..., 1:-1, 1:-1].abs().max() == 0


def test_it_is_fixed_and_not_stored():
    extractor = TextureExtractor()
    assert list(extractor.parameters()) == []
    assert extractor.state_dict() == {}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    image = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(2)).to(dtype)
    expected = TextureExtractor()(image.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        texture = TextureExtractor().to(dtype)(image)
    assert texture.dtype == torch.float32
    torch.testing.assert_close(texture, expected)


def test_gradient():
    image = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(TextureExtractor(), (image,))


@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (3, 8, 8), (1, 3, 1, 8)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="image must be"):
        TextureExtractor()(torch.zeros(shape))
