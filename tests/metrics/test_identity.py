"""Identity distances: the figures of hand-made vectors, dlib's network, and a stand-in for SFace."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from snadnet.errors import ConfigError, WeightsError
from snadnet.metrics import identity
from snadnet.metrics.base import MetricOptions, ScoredFace
from snadnet.metrics.identity import DlibEmbedding, Identity, SFaceEmbedding, left_out


def face(sharp):
    return ScoredFace("a", sharp, sharp, None)


@pytest.fixture(scope="module")
def embedding(tmp_path_factory):
    """A stand-in for a face-recognition network: the image's mean colours in 4 x 4 fields."""
    image = helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 112, 112])
    vector = helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, 48])
    nodes = [
        helper.make_node("AveragePool", ["data"], ["fields"], kernel_shape=[28, 28], strides=[28, 28]),
        helper.make_node("Flatten", ["fields"], ["fc1"]),
    ]
    graph = helper.make_graph(nodes, "fields", [image], [vector])
    path = tmp_path_factory.mktemp("embedding") / "fields.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def figures(metric, pairs):
    """Each measure's values and figure by its key."""
    found = {}
    for measure in metric.measures:
        values = measure.of_all(pairs)
        chosen = np.flatnonzero(~np.isnan(measure.per_face(values)))
        found[measure.key] = (values.tolist(), measure.summary(values, chosen) if len(chosen) else None)
    return found


class Plain:
    near, size, description = 0.6, 2, "stand-in"


def test_figures_of_vectors_on_a_line():
    # Sharp faces at 0, 1 and 3; restored ones at 0.5 (as near to the second), 1.1 and 1.5; a fourth was not found.
    restored, sharp = [0.5, 1.1, 1.5, np.nan], [0.0, 1.0, 3.0, np.nan]
    pairs = np.array([[[first, 0.0], [second, 0.0]] for first, second in zip(restored, sharp, strict=True)])
    found = figures(Identity(Plain()), pairs)
    assert found["identity_distance"] == (pytest.approx([0.5, 0.1, 1.5, np.nan], nan_ok=True), pytest.approx(0.5))
    assert found["identity_near"] == (pytest.approx([1, 1, 0, np.nan], nan_ok=True), pytest.approx(2 / 3))
    assert found["identity_rank_1"] == (pytest.approx([0, 1, 0, np.nan], nan_ok=True), pytest.approx(1 / 3))
    # To the others: 0.5 and 2.5; 1.1 and 1.9; 1.5 and 0.5.
    assert found["identity_others"] == (pytest.approx([1.5, 1.5, 1.0, np.nan], nan_ok=True), pytest.approx(1.5))


def test_one_face_has_no_rank_and_no_others():
    found = figures(Identity(Plain()), np.zeros((1, 2, 3)))
    assert found["identity_distance"] == ([0.0], 0.0)
    assert found["identity_rank_1"][1] is None
    assert found["identity_others"][1] is None


def test_the_table_of_distances_does_not_depend_on_its_parts(monkeypatch):
    pairs = np.random.default_rng(0).normal(size=(7, 2, 5))
    whole = figures(Identity(Plain()), pairs)
    monkeypatch.setattr(identity, "_ROWS", 2)
    assert figures(Identity(Plain()), pairs) == whole


def test_the_same_face_is_at_no_distance_and_a_worse_one_farther(portrait):
    metric = Identity.create(MetricOptions())
    assert "dlib_face_recognition_resnet_model_v1.dat" in metric.description
    read = metric.prepare([face(portrait), face(np.zeros_like(portrait))])
    noise = np.random.default_rng(0).normal(0, 60, portrait.shape)
    noisy = (portrait + noise).clip(0, 255).astype(np.uint8)
    same, worse = (read(np.stack([each, portrait]))[0] for each in (portrait, noisy))
    assert same.shape == (2, 2, 128)
    assert np.isnan(same[1]).all()  # no face was found
    nobody = metric.prepare([face(np.zeros_like(portrait))])
    assert nobody(portrait[None])[0].shape == (1, 2, 128)
    distances = [identity.own_distances(pairs)[0] for pairs in (same, worse)]
    assert distances[0] == 0
    assert 0.05 < distances[1] < 1.2


def test_without_its_packages_it_is_left_out_with_a_line_or_refused_by_name(monkeypatch):
    monkeypatch.setattr(identity, "find_spec", lambda _: None)
    assert "pip install 'snadnet[identity]'" in left_out(MetricOptions())
    with pytest.raises(ConfigError, match=r"pip install 'snadnet\[identity\]'"):
        Identity.create(MetricOptions())
    monkeypatch.undo()
    assert left_out(MetricOptions()) is None
    monkeypatch.setattr(identity, "find_package_file", lambda *_: None)
    with pytest.raises(ConfigError, match="not installed"):
        DlibEmbedding()


def test_sface_by_its_file_takes_the_place_of_dlib(portrait, embedding, monkeypatch):
    monkeypatch.setattr(identity, "find_spec", lambda _: None)
    assert left_out(MetricOptions(embedding=embedding)) is None
    metric = Identity.create(MetricOptions(embedding=embedding))
    assert metric.measures[1].title == "nearer than 1.128"
    read = metric.prepare([face(portrait)])
    pairs = np.concatenate([read(portrait[None])[0], read(portrait[::-1][None])[0]])
    same, other = identity.own_distances(pairs)
    assert np.linalg.norm(pairs, axis=2) == pytest.approx(1)
    assert same == 0
    assert 0.03 < other < 2


def test_an_embedding_that_is_none_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="no such embedding"):
        SFaceEmbedding(tmp_path / "nowhere.onnx")
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(WeightsError, match="cannot read it"):
        SFaceEmbedding(tmp_path / "text.onnx")
