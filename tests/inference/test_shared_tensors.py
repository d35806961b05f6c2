"""A graph that keeps its tensors in the safetensors file beside it: the same network, and nothing else is read."""

import hashlib
import json
from copy import deepcopy
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import save_file

from snadnet.errors import ConfigError, WeightsError
from snadnet.export import export_onnx, share_tensors
from snadnet.inference import OnnxBackend
from snadnet.inference.onnx_safety import read_graph_file
from snadnet.inference.resolve import weights_digest
from snadnet.models import Restorer, create_model, read_model, read_weights, save_network
from snadnet.models.checkpoint_io import Base
from snadnet.safetensors_header import read_parts
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


class Outer(torch.nn.Module):
    """A network of which another is a part."""

    def __init__(self, part: torch.nn.Module) -> None:
        super().__init__()
        self.inner = part
        self.last = torch.nn.Conv2d(3, 3, 17, padding=8)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(self.inner(images))


@pytest.fixture(scope="module")
def resting_files(exported, tmp_path_factory):
    """A network that rests on the weights of a part: its files, the graph as one file, and the network."""
    folder = tmp_path_factory.mktemp("resting")
    torch.manual_seed(1)
    part = read_model(exported / "net.safetensors")
    assert isinstance(part, Restorer)
    whole = Outer(part.core)
    base = folder / "part.safetensors"
    base.write_bytes((exported / "net.safetensors").read_bytes())
    save_network(folder / "outer.safetensors", whole, "nafnet-tiny", fp16=True, base=Base(base, "inner"))
    export_onnx(Restorer(whole, part.descriptor), folder / "outer.onnx")
    alone = (folder / "outer.onnx").read_bytes()
    share_tensors(folder / "outer.onnx", folder / "outer.safetensors")
    return {path.name: path.read_bytes() for path in folder.iterdir()}, alone, whole


@pytest.fixture
def resting(resting_files, tmp_path):
    """The graph, what it was as one file, and a copy of the network."""
    files, alone, whole = resting_files
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path / "outer.onnx", alone, deepcopy(whole)


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


def test_weights_of_a_part_are_kept_once(resting):
    graph, alone, whole = resting
    weights = graph.with_suffix(".safetensors")
    assert weights.stat().st_size + graph.stat().st_size < len(alone) / 3
    assert read_graph_file(graph) == alone
    name, state = read_weights(weights)
    assert name == "nafnet-tiny"
    expected = {key: value.half().float() for key, value in whole.state_dict().items()}
    assert state.keys() == expected.keys()
    assert all(value.equal(expected[key]) for key, value in state.items())


def test_the_weights_of_the_part_must_be_there(resting):
    graph, _, _ = resting
    (graph.parent / "part.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"outer\.onnx: keeps its weights in part\.safetensors, .*; copy both"):
        OnnxBackend(graph, "cpu")
    with pytest.raises(WeightsError, match=r"outer\.safetensors: rests on the weights in part\.safetensors"):
        read_weights(graph.with_suffix(".safetensors"))


def test_damaged_weights_of_the_part_are_one_clear_line(resting):
    graph, _, _ = resting
    base = graph.with_name("part.safetensors")
    base.write_bytes(base.read_bytes()[:-100])
    for read in (lambda: OnnxBackend(graph, "cpu"), lambda: read_weights(graph.with_suffix(".safetensors"))):
        with pytest.raises(WeightsError, match=r"part\.safetensors: not a readable safetensors file") as caught:
            read()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["../part.safetensors", "/part.safetensors", "a/b.safetensors", "part.onnx", ""])
def test_only_a_file_beside_can_hold_a_part(resting, name):
    graph, _, whole = resting
    weights = graph.with_suffix(".safetensors")
    save_file(whole.last.state_dict(), weights, {"format": "snadnet-weights-1", "model": "nafnet-tiny", "base": name})
    with pytest.raises(WeightsError, match="as a file beside it, which is none"):
        read_weights(weights)
    with pytest.raises(WeightsError, match=r"is of another network|never read|not a readable"):
        OnnxBackend(graph, "cpu")


def test_a_file_cannot_rest_on_itself(resting):
    graph, _, whole = resting
    weights = graph.with_suffix(".safetensors")
    header = {"format": "snadnet-weights-1", "model": "nafnet-tiny", "base": weights.name}
    save_file(whole.last.state_dict(), weights, header)
    with pytest.raises(WeightsError, match="as a file beside it, which is none"):
        read_weights(weights)


def test_a_part_may_rest_on_a_part(resting):
    graph, _, whole = resting
    weights, top = graph.with_suffix(".safetensors"), graph.with_name("top.safetensors")
    save_network(top, Outer(whole), "nafnet-tiny", fp16=True, base=Base(weights, "inner"))
    assert list(read_parts(top)) == [top, weights, graph.with_name("part.safetensors")]
    state = read_weights(top)[1]
    held = read_weights(weights)[1]
    assert state.keys() == {*(f"inner.{key}" for key in held), "last.weight", "last.bias"}
    assert all(value.equal(state[f"inner.{key}"]) for key, value in held.items())


def test_files_that_rest_on_each_other_are_refused(resting):
    graph, _, whole = resting
    weights, base = graph.with_suffix(".safetensors"), graph.with_name("part.safetensors")
    header = {"format": "snadnet-weights-1", "model": "nafnet-tiny", "base": weights.name}
    save_file(whole.last.state_dict(), base, header)
    with pytest.raises(WeightsError, match=r"part\.safetensors: names 'outer\.safetensors' as a file beside it"):
        read_weights(weights)
    with pytest.raises(WeightsError, match=r"not a readable safetensors file \(outer\.safetensors rests on itself\)"):
        OnnxBackend(graph, "cpu")


def test_a_digest_is_of_all_the_weights(resting, tmp_path):
    graph, alone, _ = resting
    assert weights_digest(graph) == hashlib.sha256(alone).hexdigest()
    weights, base = graph.with_suffix(".safetensors"), graph.with_name("part.safetensors")
    before = weights_digest(weights)
    assert weights_digest(base) == hashlib.sha256(base.read_bytes()).hexdigest()
    changed = bytearray(base.read_bytes())
    changed[-1] ^= 1
    base.write_bytes(changed)
    assert weights_digest(weights) != before
    assert weights_digest(graph) != hashlib.sha256(alone).hexdigest()
    base.unlink()
    with pytest.raises(WeightsError, match=r"outer\.safetensors: not a readable"):
        weights_digest(weights)


def test_a_part_with_other_weights_is_refused(resting, tmp_path):
    graph, _, whole = resting
    with torch.no_grad():
        next(whole.inner.parameters()).add_(1.0)
    target = tmp_path / "again.safetensors"
    with pytest.raises(WeightsError, match=r"part\.safetensors: holds other weights of inner\."):
        save_network(target, whole, "nafnet-tiny", base=Base(graph.parent / "part.safetensors", "inner"))
    assert not target.exists()
