"""Scores of face parsers on sharp and blurred faces."""

import numpy as np
import pytest
import torch
from PIL import Image

from snadnet.data.blurs import LinearBlur
from snadnet.data.protocols import Protocol
from snadnet.errors import DataError
from snadnet.evaluation import evaluate_parsers
from snadnet.evaluation.test_set import blurred_on_the_fly
from snadnet.models import create_network, save_network
from support.face_data import make_faces

SMALL = Protocol("small", 64, LinearBlur(length=9, angle=30), noise_sigma=0.02, seed=5)


@pytest.fixture(scope="module")
def parser(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("parser") / "parser.safetensors"
    save_network(path, create_network("bisenet-small"), "bisenet-small")
    return path


def test_parsers_are_scored_on_sharp_and_blurred_faces(parser, tmp_path):
    images, labels = make_faces(tmp_path, 2)
    whole = np.asarray(Image.open(labels / "000.png")).copy()
    whole[:4] = 255
    Image.fromarray(whole).save(labels / "000.png")
    advanced = []
    faces = blurred_on_the_fly(SMALL, images, labels=labels)
    report = evaluate_parsers(
        [parser, f"other={parser}"], faces, device="cpu", header=["$ snadnet"], advance=advanced.append
    )
    scores = report.scores
    assert advanced == [1, 1]
    assert [score.name for score in scores] == ["parser", "other"]
    assert scores[0].sharp.counts.sum() == 2 * 64 * 64 - 4 * 64
    assert not torch.equal(scores[0].sharp.counts, scores[0].blurred.counts)
    text = report.to_text()
    assert text.startswith("$ snadnet\ntest set: ")
    assert f"{scores[0].blurred.mean_iou(merge_left_right=True):.4f}" in text
    assert "left_eye+right_eye" in text
    with pytest.raises(DataError, match="has no label maps"):
        evaluate_parsers([str(parser)], blurred_on_the_fly(SMALL, images), device="cpu")
