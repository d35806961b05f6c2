"""Optimized graphs in a folder: used when they are sound and the user's own, else made anew."""

import os
import shutil
import stat
import time
import zlib

import numpy as np
import onnx
import pytest
from onnx import helper

from snadnet.inference import OnnxBackend
from snadnet.inference import graph_cache as cache
from snadnet.inference.graph_cache import CACHE_VARIABLE, cache_folder
from snadnet.inference.kept_graphs import packed
from snadnet.inference.releases import released_weights


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


def crops():
    return np.random.default_rng(0).random((2, 32, 48, 3), np.float32)


def kept_in(folder):
    return sorted(folder.glob("*.graph"))


def test_a_graph_is_kept_once_and_gives_the_same_bytes(folder, monkeypatch):
    first = OnnxBackend(released_weights(), "cpu")
    first._session(usual=True)
    (path,) = kept_in(folder)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) & 0o022 == 0
    opened = []
    monkeypatch.setattr(cache, "_read", lambda place, read=cache._read: opened.append(read(place)) or opened[-1])
    again = OnnxBackend(released_weights(), "cpu")
    again._session(usual=True)
    assert opened[0] is not None
    monkeypatch.setenv(CACHE_VARIABLE, "off")
    without = OnnxBackend(released_weights(), "cpu")
    assert (again.model, again.size) == (without.model, without.size)
    for network in (again, without):
        assert np.array_equal(network(crops()).restored, first(crops()).restored)
        assert np.array_equal(network(crops()).parsing, first(crops()).parsing)
    assert kept_in(folder) == [path]
    assert sorted(folder.iterdir()) == [path]


def bad_graph():
    """A graph that keeps its weights in another file."""
    tensor = onnx.TensorProto(data_type=1, dims=[1], name="w", data_location=1)
    tensor.external_data.add(key="location", value="/etc/passwd")
    info = [helper.make_tensor_value_info(name, 1, ["B", 3, "H", "W"]) for name in ("blurred", "restored")]
    graph = helper.make_graph(
        [helper.make_node("Mul", ["blurred", "w"], ["restored"])], "g", [info[0]], [info[1]], [tensor]
    )
    return b"".join(packed(helper.make_model(graph).SerializeToString(), b""))


def foreign_graph():
    info = [helper.make_tensor_value_info(name, 1, ["B", 3, "H", "W"]) for name in ("blurred", "restored")]
    node = helper.make_node("Run", ["blurred"], ["restored"], domain="com.example")
    model = helper.make_model(helper.make_graph([node], "g", [info[0]], [info[1]]))
    return b"".join(packed(model.SerializeToString(), b""))


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: b"".join(packed(b"no graph", b"")),
        lambda content: bad_graph(),
        lambda content: foreign_graph(),
        lambda content: b"".join(packed(content[40 : len(content) // 2], b"")),
        lambda content: zlib.crc32(b"\xff" * 40).to_bytes(4, "little") + b"\xff" * 40,
    ],
)
def test_what_is_damaged_or_foreign_is_made_anew(folder, tiny_network, damage):
    expected = OnnxBackend(tiny_network, "cpu")(crops()).restored
    (path,) = kept_in(folder)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert np.array_equal(OnnxBackend(tiny_network, "cpu")(crops()).restored, expected)
    assert path.read_bytes() == whole


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of another kind")
def test_what_others_can_write_is_not_believed(folder, tiny_network, build_network, tmp_path):
    expected = OnnxBackend(tiny_network, "cpu")(crops()).restored
    (path,) = kept_in(folder)
    # A sound graph under the wrong name: of a network that brightens by more.
    other = tmp_path / "other"
    os.environ[CACHE_VARIABLE] = str(other)
    OnnxBackend(build_network(tmp_path / "other.onnx", gain=0.4), "cpu")
    os.environ[CACHE_VARIABLE] = str(folder)
    forged = kept_in(other)[0].read_bytes()
    for change in (lambda: path.chmod(0o666), lambda: folder.chmod(0o777)):
        path.write_bytes(forged)
        change()
        assert np.array_equal(OnnxBackend(tiny_network, "cpu")(crops()).restored, expected)
        path.unlink()
        folder.chmod(0o700)
    target = tmp_path / "elsewhere"
    target.write_bytes(forged)
    path.symlink_to(target)
    assert np.array_equal(OnnxBackend(tiny_network, "cpu")(crops()).restored, expected)


def test_a_folder_that_cannot_be_written_is_no_trouble(tmp_path, monkeypatch, tiny_network):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "inside", "nul\0"[:3]):
        monkeypatch.setenv(CACHE_VARIABLE, str(place))
        OnnxBackend(tiny_network, "cpu")(crops())
    shutil.rmtree("nul", ignore_errors=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_the_folder_is_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "snadnet"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() is None
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "snadnet"
    for off in ("", "off", "OFF"):
        monkeypatch.setenv(CACHE_VARIABLE, off)
        assert cache_folder() is None


def test_only_the_newest_are_kept(folder):
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02}.graph").touch()
        os.utime(folder / f"{number:02}.graph", (number, number))
    for name, age in ((".keeping-new", 60), (".keeping-old", 90_000)):
        (folder / name).mkdir()
        (folder / name / "optimized").touch()
        os.utime(folder / name, (time.time() - age,) * 2)
    cache._leave_newest(folder)
    assert [path.name for path in folder.glob(".*")] == [".keeping-new"]
    assert [path.stem for path in kept_in(folder)] == [f"{number:02}" for number in range(4, 12)]
