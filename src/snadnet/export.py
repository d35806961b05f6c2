"""Writing a deblurring network as one ONNX graph: blurred crop in, restored crop and parsing map out.

The graph keeps the contract of :mod:`snadnet.network`. Weights are stored in half precision, which halves the file,
and computed with in float32.
"""

import copy
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from snadnet.errors import ModelError
from snadnet.files import write_atomically
from snadnet.models.snadnet import SNADNet
from snadnet.network import SIZE_MULTIPLE_KEY

OPSET = 18
_LARGE = 256
"""Tensors with fewer numbers than this stay in float32: they cost nothing."""


class _Graph(nn.Module):
    """SNADNet without padding: the runtime pads."""

    def __init__(self, network: SNADNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, blurred: Tensor) -> tuple[Tensor, Tensor]:
        parsing = self.network.parse(blurred)
        return self.network.generator(blurred, parsing).restored.clamp(0.0, 1.0), parsing


def round_to_half(network: SNADNet) -> SNADNet:
    """Return a copy of a network whose weights are numbers of half precision, in float32.

    It is what a weights file in half precision holds: constants of the network that no file holds stay as they are.
    """
    rounded = copy.deepcopy(network)
    for tensor in rounded.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(tensor.half())
    return rounded


def export_onnx(network: nn.Module, path: Path, **facts: str) -> None:
    """Write a network as ONNX, never half a file.

    The weights are rounded to half precision: the graph computes what ``round_to_half(network)`` does.

    Args:
        network: a SNADNet.
        path: the ``.onnx`` file; an existing one is replaced.
        facts: text kept in the file's metadata.

    Raises:
        ModelError: if the network is not a SNADNet.
        OSError: if the file cannot be written.
    """
    if not isinstance(network, SNADNet):
        raise ModelError(f"a {type(network).__name__} cannot be exported; give weights of a deblurring network")
    multiple = network.size_multiple
    rounded = round_to_half(network).eval().cpu()
    example = torch.rand(2, 3, 3 * multiple, 4 * multiple)
    rows, columns = torch.export.Dim("rows", min=1, max=64), torch.export.Dim("columns", min=1, max=64)
    with warnings.catch_warnings():
        # The exporter warns of its own deprecations; nothing a user could act on.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Graph(rounded),
            (example,),
            input_names=["blurred"],
            output_names=["restored", "parsing"],
            dynamic_shapes={"blurred": {0: torch.export.Dim("batch"), 2: multiple * rows, 3: multiple * columns}},
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    _store_in_half(model)
    for key, value in {SIZE_MULTIPLE_KEY: str(multiple), **facts}.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model)
    write_atomically(path, model.SerializeToString())


def _store_in_half(model: onnx.ModelProto) -> None:
    """Keep large float32 constants as float16, where that loses nothing, and cast them when the graph is loaded.

    The exporter folds batch normalization into the convolutions before it; such weights are no half numbers and stay.
    """
    casts = []
    for constant in model.graph.initializer:
        if constant.data_type != onnx.TensorProto.FLOAT or np.prod(constant.dims) < _LARGE:
            continue
        name = constant.name
        values = numpy_helper.to_array(constant)
        halves = values.astype(np.float16)
        if not np.array_equal(halves.astype(np.float32), values):
            continue
        constant.CopyFrom(numpy_helper.from_array(halves, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    for node in reversed(casts):
        model.graph.node.insert(0, node)
