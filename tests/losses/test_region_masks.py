import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snadnet.faces.classes import CLASS_NAMES
from snadnet.losses import region_masks


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
