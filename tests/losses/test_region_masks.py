import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snadnet.faces.classes import CLASS_NAMES
from snadnet.losses import region_masks, region_masks_from_probabilities


def test_each_class_is_in_its_region():
    skin, facial, hair, back = region_masks(torch.arange(19).reshape(1, 1, 19))[0, :, 0].bool()
    named = [
        {name for name, inside in zip(CLASS_NAMES, region, strict=True) if inside}
        for region in (skin, facial, hair, back)
    ]
    assert named == [
        {"skin", "left_ear", "right_ear", "earring", "necklace", "neck"},
        {
            "nose",
            "glasses",
            "left_eye",
            "right_eye",
            "left_brow",
            "right_brow",
            "mouth",
            "upper_lip",
            "lower_lip",
        },
        {"hair", "hat"},
        {"background", "cloth"},
    ]


@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=25, deadline=None)
def test_masks_partition_every_image(seed, batch, height, width):
    labels = torch.randint(0, 19, (batch, height, width), generator=torch.Generator().manual_seed(seed))
    masks = region_masks(labels)
    assert masks.shape == (batch, 4, height, width)
    assert masks.dtype == torch.float32
    assert torch.equal(masks.sum(dim=1), torch.ones(batch, height, width))
    assert set(masks.unique().tolist()) <= {0.0, 1.0}


def test_an_ignored_pixel_is_in_no_region():
    masks = region_masks(torch.tensor([[[255, 13]]]))
    assert torch.equal(masks[0, :, 0, 0], torch.zeros(4))
    assert torch.equal(masks[0, :, 0, 1], torch.tensor([0.0, 0.0, 1.0, 0.0]))


def test_certain_probabilities_give_the_masks_of_the_labels():
    labels = torch.randint(0, 19, (2, 6, 5), generator=torch.Generator().manual_seed(3))
    certain = torch.nn.functional.one_hot(labels, 19).movedim(-1, 1).float()
    assert torch.equal(region_masks_from_probabilities(certain), region_masks(labels))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_probabilities_partition_every_image(dtype):
    logits = torch.randn(2, 19, 4, 5, generator=torch.Generator().manual_seed(4))
    masks = region_masks_from_probabilities(logits.softmax(dim=1).to(dtype))
    assert masks.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    tolerance = 0.02 if dtype == torch.bfloat16 else 1e-6
    torch.testing.assert_close(masks.sum(dim=1).float(), torch.ones(2, 4, 5), rtol=0, atol=tolerance)


def test_another_number_of_classes_is_refused():
    with pytest.raises(ValueError, match="19"):
        region_masks_from_probabilities(torch.ones(1, 11, 4, 4))
