"""The file of an optimized graph: its tensors come back as they were, or nothing does."""

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from snadnet.files import write_atomically
from snadnet.inference.kept_graphs import TENSORS, packed, read_kept, without_shapes

TYPES = {TensorProto.FLOAT: np.float32, TensorProto.INT64: np.int64}


def graph_of(tensors, change=lambda _tensor: None):
    """A graph whose tensors lie in a file of their own, and that file, as ONNX Runtime writes them."""
    content, protos = b"", []
    for name, (values, kind) in tensors.items():
        proto = TensorProto(name=name, data_type=kind, dims=values.shape, data_location=TensorProto.EXTERNAL)
        for key, value in (("location", TENSORS), ("offset", len(content)), ("length", values.nbytes)):
            proto.external_data.add(key=key, value=str(value))
        change(proto)
        protos.append(proto)
        content += values.tobytes()
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N"]) for name in ("in", "out")]
    node = helper.make_node("Identity", ["in"], ["out"])
    return helper.make_model(helper.make_graph([node], "g", info[:1], info[1:], protos)).SerializeToString(), content


@given(shapes=st.lists(st.tuples(st.lists(st.integers(1, 40), max_size=3), st.sampled_from(sorted(TYPES))), max_size=5))
def test_tensors_come_back_as_they_were(tmp_path_factory, shapes):
    random = np.random.default_rng(0)
    tensors = {
        f"t{number}": (random.integers(-9, 9, shape).astype(TYPES[kind]), kind)
        for number, (shape, kind) in enumerate(shapes)
    }
    graph, content = graph_of(tensors)
    path = tmp_path_factory.mktemp("kept") / "a.graph"
    write_atomically(path, *packed(graph, content))
    kept = read_kept(path)
    assert kept.graph == graph
    assert list(kept.tensors) == list(tensors)
    for name, (values, _) in tensors.items():
        assert kept.tensors[name].dtype == values.dtype
        assert np.array_equal(kept.tensors[name], values)


def elsewhere(tensor):
    tensor.external_data[0].value = "/etc/passwd"


def without_place(tensor):
    del tensor.external_data[:]


def doubled(tensor):
    tensor.external_data.add(key="location", value="/etc/passwd")


def with_data(tensor):
    tensor.raw_data = b"1234"


def kept_of(tmp_path, graph, content):
    write_atomically(tmp_path / "a.graph", *packed(graph, content))
    return read_kept(tmp_path / "a.graph")


@pytest.mark.parametrize("change", [elsewhere, without_place, doubled, with_data])
def test_a_tensor_that_says_otherwise_where_it_lies_is_refused(tmp_path, change):
    tensors = {"t": (np.ones(300, np.float32), TensorProto.FLOAT)}
    assert kept_of(tmp_path, *graph_of(tensors)) is not None
    assert kept_of(tmp_path, *graph_of(tensors, change)) is None


def test_types_that_these_graphs_do_not_have_are_refused(tmp_path):
    assert kept_of(tmp_path, *graph_of({"t": (np.ones(300), TensorProto.DOUBLE)})) is None


@pytest.mark.parametrize("shape", [(301,), (150,), (2**62, 4)])
def test_tensors_of_another_length_are_refused(tmp_path, shape):
    def reshape(tensor):
        tensor.dims[:] = shape

    tensors = {"t": (np.ones(300, np.float32), TensorProto.FLOAT)}
    assert kept_of(tmp_path, *graph_of(tensors, reshape)) is None


def test_tensors_beyond_the_end_are_refused(tmp_path):
    graph, content = graph_of({"t": (np.ones(300, np.float32), TensorProto.FLOAT)})
    assert kept_of(tmp_path, graph, content[:-1]) is None


def test_shapes_are_left_out_and_nothing_else():
    tensors = {"t": (np.ones(300, np.float32), TensorProto.FLOAT)}
    model = onnx.load_from_string(graph_of(tensors)[0])
    model.producer_name = "someone"
    expected = model.SerializeToString()
    model.graph.value_info.append(helper.make_tensor_value_info("between", TensorProto.FLOAT, [3]))
    assert onnx.load_from_string(without_shapes(model.SerializeToString())) == onnx.load_from_string(expected)
