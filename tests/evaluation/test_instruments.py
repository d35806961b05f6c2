"""What each instrument reads of pictures whose answer is known."""

import cv2
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from snadnet.data.blurs import LinearBlur
from snadnet.data.protocols import Protocol
from snadnet.errors import DataError, ModelError, WeightsError
from snadnet.evaluation.instruments import Fidelity, Landmarks, Parsing
from snadnet.evaluation.parsers import evaluate_parsers, parser_document
from snadnet.evaluation.report.tables import as_text
from snadnet.evaluation.test_set import ScoredFace, blurred_on_the_fly
from snadnet.faces import Face, FaceDetector
from snadnet.models import create_network, save_network
from support.face_data import make_faces

CPU = torch.device("cpu")
SMALL = Protocol("small", 64, LinearBlur(length=9, angle=30), noise_sigma=0.02, seed=5)


def face(sharp, labels=None):
    return ScoredFace("a", sharp, sharp, labels)


@pytest.fixture(scope="module")
def parser(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("parser") / "parser.safetensors"
    save_network(path, create_network("bisenet-small"), "bisenet-small")
    return path


@pytest.fixture(scope="module")
def embedding(tmp_path_factory):
    """A stand-in for a face-recognition network: the picture's mean colours in 4 x 4 fields."""
    picture = helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 112, 112])
    vector = helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, 48])
    nodes = [
        helper.make_node("AveragePool", ["data"], ["fields"], kernel_shape=[28, 28], strides=[28, 28]),
        helper.make_node("Flatten", ["fields"], ["fc1"]),
    ]
    graph = helper.make_graph(nodes, "fields", [picture], [vector])
    path = tmp_path_factory.mktemp("embedding") / "fields.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def test_fidelity_agrees_with_scikit_image(portrait):
    generator = np.random.default_rng(0)
    restored = np.clip(portrait + generator.normal(0, 12, portrait.shape), 0, 255).astype(np.uint8)
    psnr, ssim, l1 = (float(each[0]) for each in Fidelity().against([face(portrait)])(restored[None]))
    assert psnr == pytest.approx(peak_signal_noise_ratio(portrait, restored), abs=1e-4)
    assert ssim == pytest.approx(
        structural_similarity(
            portrait,
            restored,
            channel_axis=2,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        ),
        abs=1e-4,
    )
    assert l1 == pytest.approx(np.abs(portrait.astype(float) - restored).mean() / 2.55, abs=1e-4)


def test_landmarks_of_the_same_a_shifted_and_a_missing_face(portrait):
    read = Landmarks(None).against([face(portrait), face(np.zeros_like(portrait))])
    shifted = np.roll(portrait, 8, axis=1)
    error, found = read(np.stack([portrait, portrait]))
    assert error[0] == 0.0
    assert np.isnan(error[1])  # the sharp picture shows no face: there is nothing to measure
    assert (found[0], np.isnan(found[1])) == (1.0, True)
    assert 5 < read(np.stack([shifted, portrait]))[0][0] < 25
    error, found = read(np.zeros((2, *portrait.shape), np.uint8))
    assert np.isnan(error).all()
    assert found[0] == 0.0


def test_the_golden_landmark_error_is_that_of_the_face_in_its_place(monkeypatch):
    points = np.array([(20, 20), (60, 20), (40, 40), (25, 60), (55, 60)], np.float32)  # eyes 40 px apart
    true = Face((10, 10, 60, 60), points, 0.9)
    moved = Face((12, 12, 60, 60), points + np.array([3, 4], np.float32), 0.9)  # by 5 px
    elsewhere = Face((200, 200, 90, 90), points + 200, 0.99)
    monkeypatch.setattr(FaceDetector, "detect", lambda _, pixels: (true,) if pixels.max() else (elsewhere, moved))
    white = np.full((300, 300, 3), 255, np.uint8)
    error, found = Landmarks(None).against([face(white)])(np.zeros((1, 300, 300, 3), np.uint8))
    assert (error[0], found[0]) == (pytest.approx(100 * 5 / 40), 1.0)


def test_identity_is_one_for_the_same_face_and_less_for_another_picture(portrait, embedding):
    instrument = Landmarks(embedding)
    read = instrument.against([face(portrait), face(np.zeros_like(portrait))])
    assert [metric.key for metric in instrument.metrics] == ["identity", "landmark_error_percent", "found"]
    alike = read(np.stack([portrait, portrait]))[0]
    assert alike[0] == pytest.approx(1.0)
    assert np.isnan(alike[1])
    assert 0 < read(np.stack([portrait[::-1], portrait]))[0][0] < 0.999


def test_an_embedding_that_is_none_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="no such embedding"):
        Landmarks(tmp_path / "nowhere.onnx")
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(WeightsError, match="cannot read it"):
        Landmarks(tmp_path / "text.onnx")


def test_parsing_against_labels_and_against_the_sharp_face(parser):
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    other = cv2.GaussianBlur(picture, (9, 9), 3)
    own = Parsing(parser, device=CPU, labelled=False)
    (same,) = own.against([face(picture)])(picture[None])
    assert np.array_equal(same[0], np.diag(np.diag(same[0])))  # every pixel is called what it was called
    assert same.sum() == 64 * 64
    labels = np.full((64, 64), 255, np.uint8)
    labels[:10] = 1
    (counts,) = own.against([face(picture, labels)])(other[None])
    assert counts[0, 1].sum() == counts.sum() == 640  # unknown pixels do not count
    assert "test set's labels" in Parsing(parser, device=CPU, labelled=True).description


def test_a_deblurring_network_is_no_parser(tmp_path):
    save_network(tmp_path / "net.safetensors", create_network("snadnet-small"), "snadnet-small")
    with pytest.raises(ModelError, match="is no face parser"):
        Parsing(tmp_path / "net.safetensors", device=CPU, labelled=False)


def test_parsers_are_scored_on_sharp_and_blurred_faces(parser, tmp_path):
    images, labels = make_faces(tmp_path, 2)
    whole = np.asarray(Image.open(labels / "000.png")).copy()
    whole[:4] = 255
    Image.fromarray(whole).save(labels / "000.png")
    told = []
    faces = blurred_on_the_fly(SMALL, images, labels=labels)
    scores = evaluate_parsers([str(parser), f"other={parser}"], faces, device=CPU, advance=told.append)
    assert told == [1, 1]
    assert [score.name for score in scores] == ["parser", "other"]
    assert scores[0].sharp.counts.sum() == 2 * 64 * 64 - 4 * 64
    assert not torch.equal(scores[0].sharp.counts, scores[0].blurred.counts)
    text = as_text(parser_document(scores, faces, header=["$ snadnet"]))
    assert text.startswith("$ snadnet\ntest set: ")
    assert f"{scores[0].blurred.mean_iou(merge_left_right=True):.4f}" in text
    assert "left_eye+right_eye" in text
    with pytest.raises(DataError, match="has no label maps"):
        evaluate_parsers([str(parser)], blurred_on_the_fly(SMALL, images), device=CPU)
