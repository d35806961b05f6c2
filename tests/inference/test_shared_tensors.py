"""A graph that keeps its tensors in the safetensors file beside it: the same network, and nothing else is read."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from snadnet.errors import ConfigError, WeightsError
from snadnet.export import export_onnx, share_tensors
from snadnet.inference import OnnxBackend
from snadnet.inference.onnx_safety import read_graph_file
from snadnet.models import Restorer, create_model, save_network
from support.deblurring_model_checks import shaken


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A small network as one graph, and its weights in float16."""
    folder = tmp_path_factory.mktemp("exported")
    torch.manual_seed(0)
    model = create_model("nafnet-tiny")
    assert isinstance(model, Restorer)
    shaken(model.core)
    save_network(folder / "net.safetensors", model.core, "nafnet-tiny", fp16=True)
    export_onnx(model, folder / "net.onnx")
    return folder


@pytest.fixture
def pair(exported, tmp_path):
    """The graph with its tensors in the weights file, and what it was as one file."""
    for name in ("net.onnx", "net.safetensors"):
        (tmp_path / name).write_bytes((exported / name).read_bytes())
    share_tensors(tmp_path / "net.onnx", tmp_path / "net.safetensors")
    return tmp_path / "net.onnx", (exported / "net.onnx").read_bytes()


def change(path: Path, edit) -> Path:
    model = onnx.load(path, load_external_data=False)
    edit([tensor for tensor in model.graph.initializer if tensor.external_data])
    path.write_bytes(model.SerializeToString())
    return path


def set_entry(tensor, key: str, value: str) -> None:
    (entry,) = (entry for entry in tensor.external_data if entry.key == key)
    entry.value = value


def test_the_pair_is_the_graph_byte_for_byte(pair):
    graph, whole = pair
    assert graph.stat().st_size < len(whole) / 2
    assert read_graph_file(graph) == whole
    crops = np.random.default_rng(0).random((1, 64, 64, 3), np.float32)
    alone = graph.with_name("alone.onnx")
    alone.write_bytes(whole)
    assert np.array_equal(OnnxBackend(graph, "cpu")(crops).restored, OnnxBackend(alone, "cpu")(crops).restored)


def test_a_graph_that_stands_alone_reads_no_file_beside_it(pair):
    graph, whole = pair
    graph.write_bytes(whole)
    graph.with_suffix(".safetensors").write_bytes(b"not even weights")
    assert read_graph_file(graph) == whole


def test_the_weights_must_be_there_under_the_graphs_name(pair):
    graph, _ = pair
    with pytest.raises(WeightsError, match="other files, which are never read"):
        OnnxBackend(graph.rename(graph.with_name("renamed.onnx")), "cpu")
    graph.with_name("renamed.onnx").rename(graph)
    graph.with_suffix(".safetensors").unlink()
    with pytest.raises(WeightsError, match=r"keeps its weights in net\.safetensors, which is not beside it; copy both"):
        OnnxBackend(graph, "cpu")


@pytest.mark.parametrize("location", ["other.safetensors", "../net.safetensors", "/net.safetensors", "./net"])
def test_no_other_file_is_read(pair, location):
    graph, _ = pair
    (graph.parent / "other.safetensors").write_bytes(graph.with_suffix(".safetensors").read_bytes())
    change(graph, lambda tensors: set_entry(tensors[0], "location", location))
    with pytest.raises(WeightsError, match="keeps its weights in other files, which are never read"):
        OnnxBackend(graph, "cpu")


@pytest.mark.parametrize(("key", "value"), [("offset", "0"), ("offset", "8"), ("length", "2"), ("offset", "9" * 11)])
def test_a_place_must_be_that_of_a_tensor(pair, key, value):
    graph, _ = pair
    change(graph, lambda tensors: set_entry(tensors[0], key, value))
    with pytest.raises(WeightsError, match=r"net\.safetensors: is of another network than the graph"):
        OnnxBackend(graph, "cpu")


@pytest.mark.parametrize("value", ["-1", "1e3", "", "0x10", "٣", "9" * 400])
def test_a_place_must_be_told_in_plain_digits(pair, value):
    graph, _ = pair
    change(graph, lambda tensors: set_entry(tensors[0], "offset", value))
    with pytest.raises(WeightsError, match="keeps its weights in other files, which are never read"):
        OnnxBackend(graph, "cpu")


def test_type_and_shape_must_be_those_of_the_tensor(pair):
    graph, _ = pair

    def reshape(tensors):
        tensors[0].dims[:] = [1, *tensors[0].dims]

    with pytest.raises(WeightsError, match="is of another network than the graph"):
        OnnxBackend(change(graph, reshape), "cpu")


def test_a_tensor_told_in_two_ways_is_refused(pair):
    graph, _ = pair

    def twice(tensors):
        entry = tensors[0].external_data.add()
        entry.key, entry.value = "offset", "0"

    with pytest.raises(WeightsError, match="which are never read"):
        OnnxBackend(change(graph, twice), "cpu")


def test_data_beside_the_place_are_refused(pair):
    graph, _ = pair

    def both(tensors):
        tensors[0].raw_data = b"1234"

    with pytest.raises(WeightsError, match="which are never read"):
        OnnxBackend(change(graph, both), "cpu")


def header(text: str) -> bytes:
    return len(text).to_bytes(8, "little") + text.encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 40,
        header("[]"),
        header("{"),
        header('{"a": 3}'),
        header('{"a": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}}'),
        header('{"a": {"dtype": "F16", "shape": [3], "data_offsets": [0, 2]}}') + b"12",
        header('{"a": {"dtype": "F16", "shape": [-1], "data_offsets": [0, -2]}}') + b"12",
        header("[" * 100_000),
    ],
)
def test_damaged_weights_are_one_clear_line(pair, content):
    graph, _ = pair
    graph.with_suffix(".safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match=r"net\.safetensors: not a readable safetensors file") as caught:
        OnnxBackend(graph, "cpu")
    assert "\n" not in str(caught.value)


def test_weights_of_another_network_are_refused(pair):
    graph, _ = pair
    weights = graph.with_suffix(".safetensors")
    content = weights.read_bytes()
    length = int.from_bytes(content[:8], "little")
    names = json.loads(content[8 : 8 + length])
    text = json.dumps({**names, "__metadata__": {"format": "another"}})
    weights.write_bytes(header(text) + content[8 + length :])
    with pytest.raises(WeightsError, match="is of another network than the graph beside it; copy both again"):
        OnnxBackend(graph, "cpu")


def test_only_the_file_of_the_same_name_is_shared(pair, tmp_path):
    with pytest.raises(ConfigError, match="name both alike, in one folder"):
        share_tensors(pair[0], tmp_path / "other.safetensors")
