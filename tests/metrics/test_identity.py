"""Identity similarity by a stand-in for a face-recognition network."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from snadnet.errors import WeightsError
from snadnet.metrics.base import ScoredFace
from snadnet.metrics.identity import Identity


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


def test_identity_is_one_for_the_same_face_and_less_for_another_image(portrait, embedding):
    metric = Identity(embedding)
    read = metric.prepare([face(portrait), face(np.zeros_like(portrait))])
    assert [measure.key for measure in metric.measures] == ["identity"]
    alike = read(np.stack([portrait, portrait]))[0]
    assert alike[0] == pytest.approx(1.0)
    assert np.isnan(alike[1])
    assert 0 < read(np.stack([portrait[::-1], portrait]))[0][0] < 0.999


def test_an_embedding_that_is_none_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="no such embedding"):
        Identity(tmp_path / "nowhere.onnx")
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(WeightsError, match="cannot read it"):
        Identity(tmp_path / "text.onnx")
