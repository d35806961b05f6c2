"""Crops of 256 px have a graph of their own, opened by what is read of the file before any runtime sees it."""

import pickle

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from snadnet import Deblurrer
from snadnet.inference import OnnxBackend, load_model, onnx_backend
from snadnet.inference.graph_ports import Port, read_ports
from snadnet.inference.releases import released_weights
from snadnet.inference.resolve import resolve_weights


@pytest.fixture
def opened(monkeypatch):
    """What each graph that is opened is fixed to."""
    seen = []
    real = onnx_backend.open_graph

    def recorded(*arguments, fixed, **options):
        seen.append(fixed)
        return real(*arguments, fixed=fixed, **options)

    monkeypatch.setattr(onnx_backend, "open_graph", recorded)
    return seen


def crops(*shape):
    return np.random.default_rng(0).random((*shape, 3), np.float32)


def test_a_release_is_opened_for_photos_alone_until_another_size_comes(opened):
    network = load_model(None, "cpu")
    photo = crops(2, 256, 256)
    assert network(photo).restored.shape == photo.shape
    assert [set(fixed.values()) for fixed in opened] == [{1, 256}]
    assert network(crops(1, 64, 96)).restored.shape == (1, 64, 96, 3)
    assert opened[1:] == [None]
    network(photo)
    assert len(opened) == 2


def test_both_graphs_give_the_same_faces():
    photo = crops(2, 256, 256)
    usual = OnnxBackend(released_weights("snadnet-small"), "cpu")
    free = OnnxBackend(released_weights("snadnet-small"), "cpu")
    free._fixed = None
    free._sessions.clear()
    for one, other in zip(usual(photo)[:3], free(photo)[:3], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    together, alone = usual(photo), usual(photo[1:])
    assert np.array_equal(together.restored[1:], alone.restored)


def test_an_own_file_is_tried_at_once_with_other_sizes(opened, tiny_network):
    OnnxBackend(tiny_network, "cpu")
    assert opened == [None]


def test_the_graph_for_photos_travels(opened):
    network = pickle.loads(pickle.dumps(load_model("snadnet-small", "cpu")))
    network(crops(1, 256, 256))
    assert None not in opened


def test_a_network_that_takes_no_crops_of_photos_has_one_graph(tmp_path, build_network, opened):
    path = build_network(tmp_path / "m.onnx", metadata={"smallest_side": "512"})
    network = OnnxBackend(path, "cpu")
    assert network(crops(1, 256, 256)).restored.shape == (1, 256, 256, 3)
    assert opened == [None]


def test_only_the_networks_that_faces_need_are_opened(opened, portrait):
    deblurrer = Deblurrer(device="cpu")
    deblurrer.restore(np.full((300, 300, 3), 128, np.uint8))
    assert opened == []
    large = cv2.resize(portrait, None, fx=3, fy=3)
    deblurrer.restore(large)
    assert [set(fixed.values()) for fixed in opened] == [{1, 512}]
    deblurrer.restore(portrait)
    assert [set(fixed.values()) for fixed in opened] == [{1, 512}, {1, 256}]


def test_only_the_file_of_a_release_needs_no_trial(opened, tmp_path):
    copy = tmp_path / "snadnet-small.onnx"
    for suffix in (".onnx", ".safetensors"):
        copy.with_suffix(suffix).write_bytes(released_weights("snadnet-small").with_suffix(suffix).read_bytes())
    load_model(copy, "cpu")
    assert opened == [None]
    load_model(resolve_weights("snadnet-small"), "cpu")
    assert opened == [None]


def test_ports_are_read_from_the_file():
    taken = helper.make_tensor_value_info("blurred", TensorProto.FLOAT, ["B", 3, "H", None])
    old = helper.make_tensor_value_info("weight", TensorProto.FLOAT, [2])
    given = helper.make_tensor_value_info("restored", TensorProto.DOUBLE, ["B", 3])
    weight = helper.make_tensor("weight", TensorProto.FLOAT, [2], [1.0, 2.0])
    graph = helper.make_graph(
        [helper.make_node("Mul", ["blurred", "weight"], ["restored"])], "g", [taken, old], [given]
    )
    graph.initializer.append(weight)
    ports = read_ports(helper.make_model(graph).SerializeToString())
    assert ports.inputs == [Port("blurred", "float32", ("B", 3, "H", ""))]
    assert ports.inputs[0].sizes == [None, 3, None, None]
    assert ports.outputs == [Port("restored", "float64", ("B", 3))]


def test_ports_of_a_release_are_what_onnx_reads():
    graph = released_weights("snadnet-small")
    known = onnx.load(graph, load_external_data=False).graph
    ports = read_ports(graph.read_bytes())
    for own, other in ((ports.inputs, known.input), (ports.outputs, known.output)):
        assert [port.name for port in own] == [value.name for value in other]
        dims = [[dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in other]
        assert [list(port.shape) for port in own] == dims
