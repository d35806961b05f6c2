"""Shared fixtures: a tiny network that keeps the graph's contract, and a photo of a real face."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import skimage.data
from hypothesis import settings
from onnx import TensorProto, helper

from snadnet.faces.classes import NUM_CLASSES
from snadnet.inference.graph_cache import CACHE_VARIABLE

pytest.register_assert_rewrite("support.deblurring_model_checks")

# A busy machine is slow, and no test is about speed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def graph_cache(tmp_path_factory):
    """Optimized graphs are kept in a folder of the tests', by other processes too."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv(CACHE_VARIABLE, str(folder))
        yield folder


@pytest.fixture(scope="session")
def build_network():
    """The function ``write_network``, for graphs other than ``tiny_network``."""
    return write_network


def write_network(
    path: Path,
    *,
    gain: float = 0.1,
    metadata: dict[str, str] | None = None,
    parses: bool = True,
    parsing_step: int = 1,
    kernel: np.ndarray | None = None,
) -> Path:
    """Write a graph whose restored crop is ``clip(blurred + gain)``, every pixel class 1 (skin) if it parses.

    The parsing is of every pixel, or of every so many pixels. If there is a kernel, it is that of every crop.
    """
    picture = helper.make_tensor_value_info("blurred", TensorProto.FLOAT, ["B", 3, "H", "W"])
    restored = helper.make_tensor_value_info("restored", TensorProto.FLOAT, ["B", 3, "H", "W"])
    parsing = helper.make_tensor_value_info("parsing", TensorProto.FLOAT, ["B", NUM_CLASSES, "h", "w"])
    scores = np.zeros((NUM_CLASSES, 1, 1), np.float32)
    scores[1] = 5.0
    constants = {
        "gain": np.float32(gain),
        "zero": np.float32(0),
        "one": np.float32(1),
        "none": np.zeros((NUM_CLASSES, 3, 1, 1), np.float32),
        "scores": scores,
    }
    nodes = [
        helper.make_node("Add", ["blurred", "gain"], ["brighter"]),
        helper.make_node("Clip", ["brighter", "zero", "one"], ["restored"]),
    ]
    parser = [
        helper.make_node("Conv", ["blurred", "none"], ["flat"], strides=[parsing_step] * 2),
        helper.make_node("Add", ["flat", "scores"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["parsing"], axis=1),
    ]
    outputs = [restored]
    if parses:
        nodes += parser
        outputs.append(parsing)
    if kernel is not None:
        constants["weights"] = kernel[None].astype(np.float32)
        nodes += [
            helper.make_node("ReduceMean", ["blurred"], ["means"], axes=[2, 3]),
            helper.make_node("ReduceMean", ["means"], ["mean"], axes=[1], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
            helper.make_node("Add", ["nothing", "weights"], ["kernel"]),
        ]
        outputs.append(helper.make_tensor_value_info("kernel", TensorProto.FLOAT, ["B", *kernel.shape]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [picture],
        outputs,
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"size_multiple": "16"} if metadata is None else metadata)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def tiny_network(tmp_path_factory) -> Path:
    """Path of an ONNX file that brightens by 0.1 and calls everything skin."""
    return write_network(tmp_path_factory.mktemp("weights") / "tiny.onnx")


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """uint8 RGB (512, 512, 3) with one face near (224, 119); read-only."""
    pixels = skimage.data.astronaut()
    pixels.setflags(write=False)
    return pixels


@pytest.fixture(scope="session")
def portrait(astronaut) -> np.ndarray:
    """uint8 RGB (256, 256, 3): the part of the astronaut with her face, near (128, 119); read-only."""
    pixels = np.ascontiguousarray(astronaut[:256, 96:352])
    pixels.setflags(write=False)
    return pixels
