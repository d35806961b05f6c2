import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snadnet.errors import ModelError
from snadnet.faces.classes import CLASS_NAMES, LEFT_RIGHT_PAIRS
from snadnet.metrics.base import ScoredFace
from snadnet.metrics.parsing import ConfusionMatrix, Parsing
from snadnet.models import create_network, save_network


def matrix(predicted: list[int], true: list[int]) -> ConfusionMatrix:
    counted = ConfusionMatrix()
    counted.update(torch.tensor(predicted).view(1, 1, -1), torch.tensor(true).view(1, 1, -1))
    return counted


def test_golden_ious_apart_and_merged():
    # background 3 true pixels, 2 found; left eye 2 true, 1 found; right eye 1 true, 1 found.
    counted = matrix(predicted=[0, 0, 4, 4, 5, 5], true=[0, 0, 0, 4, 4, 5])
    apart = {each.name: (each.iou, each.pixels) for each in counted.class_ious(merge_left_right=False)}
    assert apart == {
        "background": (pytest.approx(2 / 3), 3),
        "left_eye": (pytest.approx(1 / 3), 2),  # found 1; true 2 and predicted 2 make a union of 3
        "right_eye": (pytest.approx(1 / 2), 1),
    }
    assert counted.mean_iou(merge_left_right=False) == pytest.approx((2 / 3 + 1 / 3 + 1 / 2) / 3)
    merged = {each.name: (each.iou, each.pixels) for each in counted.class_ious(merge_left_right=True)}
    assert merged == {
        "background": (pytest.approx(2 / 3), 3),
        "left_eye+right_eye": (pytest.approx(3 / 4), 3),
    }
    assert counted.mean_iou(merge_left_right=True) == pytest.approx((2 / 3 + 3 / 4) / 2)


def test_rows_are_true_and_columns_predicted():
    counted = matrix(predicted=[13, 13], true=[1, 1])
    assert counted.counts[1, 13] == 2
    assert counted.counts.sum() == 2


def test_a_class_that_is_never_true_is_left_out_but_its_pixels_count_against_the_true_class():
    counted = matrix(predicted=[1, 14], true=[1, 1])
    assert [(each.name, each.iou) for each in counted.class_ious(merge_left_right=True)] == [("skin", 0.5)]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), batch=st.integers(1, 4))
def test_batches_and_order_do_not_matter_and_a_side_swap_is_forgiven_when_merged(seed, batch):
    generator = torch.Generator().manual_seed(seed)
    true = torch.randint(0, 19, (4, 6, 7), generator=generator)
    predicted = torch.where(
        torch.rand(true.shape, generator=generator) < 0.7,
        true,
        torch.randint(0, 19, true.shape, generator=generator),
    )
    whole, parts, swapped = ConfusionMatrix(), ConfusionMatrix(), ConfusionMatrix()
    whole.update(predicted, true)
    for start in reversed(range(0, 4, batch)):
        parts.update(predicted[start : start + batch], true[start : start + batch])
    assert torch.equal(parts.counts, whole.counts)

    swap = torch.arange(19)
    for left, right in LEFT_RIGHT_PAIRS:
        swap[[left, right]] = swap[[right, left]]
    swapped.update(swap[predicted], true)
    merged = whole.class_ious(merge_left_right=True)
    assert swapped.class_ious(merge_left_right=True) == merged
    assert len(merged) == len(CLASS_NAMES) - len(LEFT_RIGHT_PAIRS)
    assert swapped.mean_iou(merge_left_right=False) < whole.mean_iou(merge_left_right=False)


def test_a_perfect_parser_scores_one():
    labels = torch.arange(19).view(1, 1, 19)
    counted = ConfusionMatrix()
    counted.update(labels, labels)
    assert counted.mean_iou(merge_left_right=False) == 1.0
    assert counted.mean_iou(merge_left_right=True) == 1.0


def test_refuses_other_shapes_unknown_classes_and_an_empty_count():
    counted = ConfusionMatrix()
    with pytest.raises(ValueError, match="must both be"):
        counted.update(torch.zeros(1, 4, 4, dtype=torch.int64), torch.zeros(1, 4, 5, dtype=torch.int64))
    with pytest.raises(RuntimeError):
        counted.update(torch.zeros(1, 1, 1, dtype=torch.int64), torch.full((1, 1, 1), 19))
    with pytest.raises(ValueError, match="nothing"):
        counted.mean_iou(merge_left_right=True)


def scored(sharp, labels=None):
    return ScoredFace("a", sharp, sharp, labels)


@pytest.fixture(scope="module")
def parser(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("parser") / "parser.safetensors"
    save_network(path, create_network("bisenet-small"), "bisenet-small")
    return path


def test_parsing_against_labels_and_against_the_sharp_face(parser):
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    other = cv2.GaussianBlur(image, (9, 9), 3)
    own = Parsing(parser, device="cpu", labelled=False)
    (same,) = own.prepare([scored(image)])(image[None])
    assert np.array_equal(same[0], np.diag(np.diag(same[0])))  # every pixel is called what it was called
    assert same.sum() == 64 * 64
    labels = np.full((64, 64), 255, np.uint8)
    labels[:10] = 1
    (counts,) = own.prepare([scored(image, labels)])(other[None])
    assert counts[0, 1].sum() == counts.sum() == 640  # unknown pixels do not count
    assert "test set's labels" in Parsing(parser, device="cpu", labelled=True).description


def test_a_deblurring_network_is_no_parser(tmp_path):
    save_network(tmp_path / "net.safetensors", create_network("snadnet-small"), "snadnet-small")
    with pytest.raises(ModelError, match="is no face parser"):
        Parsing(tmp_path / "net.safetensors", device="cpu", labelled=False)
