"""The ONNX Runtime side of the graph's contract, and the released weights' manifest."""

import hashlib
import json
import shutil
import zipfile
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from snadnet.errors import ModelError, WeightsError
from snadnet.inference import OnnxBackend, releases
from snadnet.inference.onnx_metadata import describe, read_size_rule
from snadnet.inference.onnx_safety import read_graph_file
from snadnet.inference.releases import released_weights, verified
from snadnet.models.layers.padding import pad_to_rule
from snadnet.size_rule import SizeRule


@pytest.fixture(scope="module")
def network(tiny_network):
    return OnnxBackend(tiny_network, "cpu")


def crops(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, np.float32)


@pytest.mark.parametrize("size", [(256, 256), (64, 100), (17, 31), (1, 5)])
def test_any_size_comes_back_as_it_went_in(network, size):
    batch = crops(2, *size, 3)
    restored, parsing, kernel, _ = network(batch)
    assert restored.shape == batch.shape
    assert parsing.shape == (2, *size, 19)
    assert restored.dtype == parsing.dtype == np.float32
    assert kernel is None
    assert np.allclose(restored, np.minimum(batch + 0.1, 1), atol=1e-6)
    assert np.all(parsing.argmax(axis=3) == 1)
    assert np.allclose(parsing.sum(axis=3), 1, atol=1e-5)


@pytest.mark.parametrize(("size", "half"), [((64, 100), (32, 50)), ((17, 31), (9, 16))])
def test_a_parsing_may_be_of_half_the_size(tmp_path, build_network, size, half):
    network = OnnxBackend(build_network(tmp_path / "h.onnx", parsing_step=2), "cpu")
    restored, parsing, *_ = network(crops(2, *size, 3))
    assert restored.shape == (2, *size, 3)
    assert parsing.shape == (2, *half, 19)


def test_a_parsing_of_another_size_is_refused(tmp_path, build_network):
    with pytest.raises(WeightsError, match="'parsing' comes back as"):
        OnnxBackend(build_network(tmp_path / "q.onnx", parsing_step=4), "cpu")


def test_the_result_is_clipped_whatever_the_graph_says(tmp_path, build_network):
    path = build_network(tmp_path / "dark.onnx", gain=-0.5)
    restored = OnnxBackend(path, "cpu")(crops(1, 16, 16, 3)).restored
    assert restored.min() == 0


def test_kernels_come_back_for_each_crop_with_sum_1(tmp_path, build_network):
    weights = np.zeros((5, 5))
    weights[2] = (1.0, 2.0, 4.0, 1.0, -1.0)
    network = OnnxBackend(build_network(tmp_path / "k.onnx", kernel=weights), "cpu")
    kernel = network(crops(2, 17, 40, 3)).kernel
    assert kernel.shape == (2, 5, 5)
    assert kernel.dtype == np.float32
    np.testing.assert_allclose(kernel[1, 2], [0.125, 0.25, 0.5, 0.125, 0.0], atol=1e-6)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones((4, 4)), "comes back as"),
        (np.ones((129, 129)), "comes back as"),
        (np.ones((3, 5)), "not float32 .B, K, K."),
        (np.zeros((3, 3)), "without any weight"),
        (np.full((3, 3), np.nan), "no numbers"),
    ],
)
def test_kernels_that_are_none_are_refused(tmp_path, build_network, weights, message):
    path = build_network(tmp_path / "k.onnx", kernel=weights)
    with pytest.raises(WeightsError, match=message):
        OnnxBackend(path, "cpu")(crops(1, 32, 32, 3))


def test_a_crop_does_not_depend_on_its_batch_or_on_the_run(network):
    batch = crops(3, 40, 40, 3)
    together = network(batch)[0]
    assert np.array_equal(together, network(batch)[0])
    assert np.array_equal(together[1:2], network(batch[1:2])[0])


@pytest.mark.parametrize("shape", [(2, 3, 16, 16), (16, 16, 3), (0, 16, 16, 3), (1, 0, 16, 3)])
def test_another_shape_is_refused(network, shape):
    with pytest.raises(ValueError, match=r"\(B, H, W, 3\)"):
        network(np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    ("metadata", "rule"),
    [
        ({}, SizeRule(16, 16, 32)),
        ({"size_multiple": "8"}, SizeRule(8, 8, 32)),
        ({"size_multiple": "16x8", "smallest_side": "128"}, SizeRule(16, 8, 128)),
    ],
)
def test_the_sizes_come_from_the_file(tmp_path, build_network, metadata, rule):
    path = build_network(tmp_path / "m.onnx", metadata=metadata)
    assert OnnxBackend(path, "cpu").size == rule


@pytest.mark.parametrize("key", ["size_multiple", "smallest_side"])
@pytest.mark.parametrize("bad", ["0", "-4", "x", "²", "8x", "8x8x8", "x8", "9999"])
def test_sizes_that_are_none_are_refused(tmp_path, build_network, key, bad):
    path = build_network(tmp_path / "m.onnx", metadata={key: bad})
    with pytest.raises(WeightsError, match=key):
        OnnxBackend(path, "cpu")


def test_what_is_exported_is_read_back():
    for rule in (SizeRule(), SizeRule(16, 8), SizeRule.multiple_of(32, smallest=128)):
        assert read_size_rule("m.onnx", describe("mprnet", rule)) == rule


def test_the_network_is_given_sizes_of_its_rule_padded_as_in_training(tmp_path, build_network):
    path = build_network(tmp_path / "m.onnx", metadata={"size_multiple": "16x8", "smallest_side": "64"})
    network = OnnxBackend(path, "cpu")
    seen = []
    run = network._session(usual=False)
    network._sessions[False] = SimpleNamespace(
        run=lambda names, blurred: seen.append(blurred) or run.run(names, blurred)
    )
    batch = crops(1, 40, 75, 3)
    assert network(batch).restored.shape == batch.shape
    tensor = torch.from_numpy(batch).permute(0, 3, 1, 2)
    np.testing.assert_array_equal(seen[0], pad_to_rule(tensor, network.size).numpy())


def test_a_graph_without_parsing_gives_none(tmp_path, build_network):
    network = OnnxBackend(build_network(tmp_path / "m.onnx", parses=False), "cpu")
    batch = crops(3, 17, 31, 3)
    restored, parsing, kernel, _ = network(batch)
    assert parsing is None
    assert kernel is None
    assert np.allclose(restored, np.minimum(batch + 0.1, 1), atol=1e-6)


def test_a_file_tells_its_model(tmp_path, build_network):
    assert OnnxBackend(build_network(tmp_path / "m.onnx"), "cpu").model is None
    assert OnnxBackend(build_network(tmp_path / "m.onnx", metadata={"model": "umsn"}), "cpu").model == "umsn"


def test_a_missing_or_broken_file_is_one_clear_error(tmp_path, tiny_network):
    with pytest.raises(WeightsError, match="no such weights file"):
        OnnxBackend(tmp_path / "absent.onnx", "cpu")
    with pytest.raises(WeightsError, match="no such weights file"):
        OnnxBackend(tmp_path, "cpu")
    whole = tiny_network.read_bytes()
    for content in [b"", b"not a graph", whole[: len(whole) // 2]]:
        path = tmp_path / "broken.onnx"
        path.write_bytes(content)
        with pytest.raises(WeightsError, match=r"broken\.onnx") as caught:
            OnnxBackend(path, "cpu")
        assert "\n" not in str(caught.value)


def save_graph(path, names, channels=3, element=TensorProto.FLOAT):
    source, first, second = names
    shape = ["B", channels, "H", "W"]
    graph = helper.make_graph(
        [helper.make_node("Identity", [source], [first]), helper.make_node("Identity", [source], [second])],
        "other",
        [helper.make_tensor_value_info(source, element, shape)],
        [helper.make_tensor_value_info(name, element, shape) for name in (first, second)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (("image", "restored", "parsing"), {}, "not a snadnet restoration network"),
        (("blurred", "restored", "labels"), {}, "not a snadnet restoration network"),
        (("blurred", "restored", "parsing"), {}, "'parsing' is"),
        (("blurred", "restored", "parsing"), {"channels": 1}, "'blurred' is"),
        (("blurred", "restored", "parsing"), {"element": TensorProto.DOUBLE}, "not float32"),
    ],
)
def test_another_kind_of_graph_is_refused(tmp_path, names, options, message):
    with pytest.raises(WeightsError, match=message):
        OnnxBackend(save_graph(tmp_path / "other.onnx", names, **options), "cpu")


def test_devices(tiny_network, monkeypatch):
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    assert OnnxBackend(tiny_network, "auto").device == "cpu"
    with pytest.raises(ModelError, match="pip install onnxruntime-gpu"):
        OnnxBackend(tiny_network, "cuda")
    with pytest.raises(ModelError, match="choose auto, cpu, openvino, cuda"):
        OnnxBackend(tiny_network, "tpu")


def write_release(folder, content=b"graph", **changes):
    entry = {"file": "m.onnx", "sha256": hashlib.sha256(b"graph").hexdigest()} | changes
    (folder / "m.onnx").write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps({"m": entry}))
    return folder


def test_released_weights_are_checked(tmp_path):
    assert verified(write_release(tmp_path), "m") == tmp_path / "m.onnx"
    with pytest.raises(WeightsError, match="choose one of: m"):
        verified(tmp_path, "other")
    with pytest.raises(WeightsError, match=r"m\.onnx is damaged .* reinstall"):
        verified(write_release(tmp_path, b"grape"), "m")
    (tmp_path / "m.onnx").unlink()
    with pytest.raises(WeightsError, match=r"m\.onnx cannot be read"):
        verified(tmp_path, "m")


@pytest.fixture
def release(tmp_path, monkeypatch):
    """The folder of a package that holds one release."""
    folder = tmp_path / "weights"
    folder.mkdir()
    manifest = json.loads((released_weights("snadnet-tiny").parent / "manifest.json").read_text())
    names = ("snadnet-tiny", "snadnet-tiny.safetensors")
    (folder / "manifest.json").write_text(json.dumps({name: manifest[name] for name in names}))
    for name in names:
        shutil.copy(released_weights(name), folder)
    monkeypatch.setattr(releases, "files", lambda _package: tmp_path)
    monkeypatch.setenv("SNADNET_CACHE", str(tmp_path / "kept"))
    for cached in (released_weights, releases.check_shared_weights):
        cached.cache_clear()
    yield folder
    for cached in (released_weights, releases.check_shared_weights):
        cached.cache_clear()


def spoil(path):
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def test_weights_that_a_released_graph_shares_are_checked_before_it_is_opened(release):
    spoil(release / "snadnet-tiny.safetensors")
    with pytest.raises(WeightsError, match=r"snadnet-tiny\.safetensors is damaged"):
        OnnxBackend(released_weights("snadnet-tiny"), "cpu")
    with pytest.raises(WeightsError, match=r"snadnet-tiny\.safetensors is damaged"):
        released_weights("snadnet-tiny.safetensors")
    (release / "snadnet-tiny.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"snadnet-tiny\.safetensors cannot be read"):
        OnnxBackend(released_weights("snadnet-tiny"), "cpu")


def test_where_its_graph_is_kept_a_releases_weights_are_not_read(release):
    crop = np.random.default_rng(0).random((1, 256, 256, 3), np.float32)
    expected = OnnxBackend(released_weights("snadnet-tiny"), "cpu")(crop).restored
    spoil(release / "snadnet-tiny.safetensors")
    releases.check_shared_weights.cache_clear()
    network = OnnxBackend(released_weights("snadnet-tiny"), "cpu")
    assert np.array_equal(network(crop).restored, expected)
    with pytest.raises(WeightsError, match=r"snadnet-tiny\.safetensors is damaged"):
        network(crop[:, :64])  # a size that no graph is kept for
    spoil(release / "snadnet-tiny.onnx")
    released_weights.cache_clear()
    with pytest.raises(WeightsError, match=r"snadnet-tiny\.onnx is damaged"):
        released_weights("snadnet-tiny")


def test_a_zipped_package_gives_graph_and_weights_side_by_side(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "package.zip", "w") as archive:
        for path in released_weights("snadnet-small-full").parent.glob("*[!d]"):
            archive.write(path, f"snadnet/weights/{path.name}")
    monkeypatch.setattr(releases, "files", lambda _package: zipfile.Path(tmp_path / "package.zip", "snadnet/"))
    graph = released_weights.__wrapped__("snadnet-small-full")
    assert not graph.is_relative_to(tmp_path)
    assert read_graph_file(graph) == read_graph_file(released_weights("snadnet-small-full"))


@pytest.mark.parametrize("text", ["", "[", "\xff", "[]", '{"m": 3}', '{"m": {"file": "m.onnx"}}'])
def test_a_damaged_manifest_is_one_clear_error(tmp_path, text):
    (tmp_path / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(WeightsError):
        verified(tmp_path, "m")


def test_no_manifest_is_one_clear_error(tmp_path):
    with pytest.raises(WeightsError, match=r"manifest\.json is missing"):
        verified(tmp_path, "m")
