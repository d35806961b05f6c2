"""An ONNX file given by a user is checked before it is used: each thing wrong with it is one clear line."""

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from snadnet.errors import WeightsError
from snadnet.inference import MAX_GRAPH_BYTES, OnnxBackend
from snadnet.size_rule import SizeRule


def refused(path, match):
    with pytest.raises(WeightsError, match=match) as caught:
        OnnxBackend(path, "cpu")
    assert "\n" not in str(caught.value)
    assert path.name.encode("unicode_escape").decode() in str(caught.value)


@pytest.fixture
def changed(tmp_path, tiny_network):
    """A function that saves the tiny network after changing it."""

    def save(change, name="changed.onnx"):
        model = onnx.load(tiny_network)
        change(model)
        path = tmp_path / name
        path.write_bytes(model.SerializeToString())
        return path

    return save


def test_the_unchanged_file_is_taken(changed):
    assert OnnxBackend(changed(lambda _model: None), "cpu").size == SizeRule.multiple_of(16)


@pytest.mark.parametrize("place", ["initializer", "attribute"])
@pytest.mark.parametrize("location", ["secret.bin", "../../secret.bin", "/etc/passwd"])
def test_weights_in_other_files_are_never_read(changed, tmp_path, monkeypatch, place, location):
    (tmp_path / "secret.bin").write_bytes(np.zeros(19 * 3, np.float32).tobytes())
    monkeypatch.chdir(tmp_path)

    def point_outside(model):
        (tensor,) = (each for each in model.graph.initializer if each.name == "none")
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", location
        if place == "attribute":
            node = helper.make_node("Constant", [], ["none"])
            attribute = node.attribute.add(name="value", type=onnx.AttributeProto.TENSOR)
            attribute.t.CopyFrom(tensor)
            model.graph.node.insert(0, node)
            model.graph.initializer.remove(tensor)

    refused(changed(point_outside), "keeps its weights in other files, which are never read")


def test_custom_operations_are_refused(changed):
    def in_a_node(model):
        model.graph.node[0].domain = "com.microsoft"

    def in_the_imports(model):
        model.opset_import.append(helper.make_opsetid("evil.example", 1))

    refused(changed(in_a_node), "custom operations")
    refused(changed(in_the_imports), "custom operations")


def test_functions_loops_and_sparse_weights_are_refused(changed):
    def with_function(model):
        node = helper.make_node("Identity", ["a"], ["b"])
        model.functions.append(helper.make_function("", "Twice", ["a"], ["b"], [node], model.opset_import))

    def with_branch(model):
        body = helper.make_graph([], "body", [], [helper.make_tensor_value_info("one", TensorProto.FLOAT, [])])
        model.graph.node.append(helper.make_node("If", ["zero"], ["x"], then_branch=body, else_branch=body))

    def with_sparse(model):
        values = numpy_helper.from_array(np.ones(1, np.float32), "sparse")
        places = numpy_helper.from_array(np.zeros(1, np.int64))
        model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [4]))

    refused(changed(with_function), "functions of its own")
    refused(changed(with_branch), "loops or branches")
    refused(changed(with_sparse), "sparse weights")


@pytest.mark.parametrize("which", ["input", "output"])
@pytest.mark.parametrize("axis", [0, 2, 3])
def test_fixed_sizes_are_refused(changed, which, axis):
    def fix(model):
        getattr(model.graph, which)[0].type.tensor_type.shape.dim[axis].dim_value = 256

    refused(changed(fix), r"with free B, H and W|not a readable ONNX file")


def test_results_of_another_size_than_declared_are_refused(changed):
    def halve(model):
        model.graph.node[1].output[0] = "full"
        model.graph.node.append(
            helper.make_node("MaxPool", ["full"], ["restored"], kernel_shape=[2, 2], strides=[2, 2])
        )

    refused(changed(halve), r"'restored' comes back as \(1, 3, 16, 24\), not \(1, 3, 32, 48\)")


def test_weights_that_are_no_numbers_are_refused(tmp_path, build_network):
    refused(build_network(tmp_path / "nan.onnx", gain=float("nan")), "'restored' comes back with values that are no")


def test_a_graph_that_fails_when_run_is_refused(changed):
    def reshape(model):
        model.graph.node[1].output[0] = "full"
        model.graph.initializer.append(numpy_helper.from_array(np.array([1]), "more"))
        model.graph.node.extend(
            [
                helper.make_node("Shape", ["blurred"], ["size"]),
                helper.make_node("Add", ["size", "more"], ["wrong"]),
                helper.make_node("Reshape", ["full", "wrong"], ["restored"]),
            ]
        )

    refused(changed(reshape), r"the network fails on 48 x 32 px \(.+\); export it again")


@pytest.mark.parametrize("text", ["257", "9" * 5000, "1\n6", "0x10"])
def test_a_wild_size_multiple_is_refused(tmp_path, build_network, text):
    refused(build_network(tmp_path / "m.onnx", metadata={"size_multiple": text}), "size_multiple .* from 1 to 256")


def test_a_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / "huge.onnx"
    path.touch()
    os.truncate(path, 2_200_000_000)  # a hole: takes no place on the disk
    refused(path, "is 2200 MB large, more than the limit of 1000 MB")
    assert MAX_GRAPH_BYTES == 1_000_000_000


def test_a_pipe_is_no_weights_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.onnx")
    refused(tmp_path / "pipe.onnx", "no such weights file")


def test_a_name_with_a_line_break_stays_on_one_line(tmp_path):
    path = tmp_path / "a\nb.onnx"
    refused(path, "no such weights file")
    path.write_bytes(b"junk")
    refused(path, "not a readable ONNX file")


def test_other_formats_of_the_runtime_are_refused(tmp_path, tiny_network):
    content = bytearray(tiny_network.read_bytes())
    content[4:8] = b"ORTM"
    path = tmp_path / "ort.onnx"
    path.write_bytes(content)
    refused(path, "damaged|custom operations|functions")


def test_a_file_cut_or_changed_anywhere_never_crashes(tmp_path, tiny_network):
    whole = tiny_network.read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "broken.onnx"
    for number in range(60):
        content = bytearray(whole[: int(rng.integers(len(whole)))] if number % 3 == 0 else whole)
        for place in rng.integers(0, len(content) or 1, 3 if content else 0):
            content[place] = rng.integers(256)
        path.write_bytes(content)
        try:
            OnnxBackend(path, "cpu")
        except WeightsError as error:
            assert "\n" not in str(error)
